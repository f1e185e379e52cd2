"""Orders to the appliance and their answers, as `tuivm.lab.protocol` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from tuivm.lab.control import Control
from tuivm.lab.experiments import of_nic
from tuivm.lab.ports import LabError, LabGuest, LabStoppedError
from tuivm.model.lab import Percentiles, Subject, Trial, Workload

Message = Mapping[str, object]
TICK = 0.25
"""Seconds that one look for a message takes at most: so quickly a stop is seen."""
SILENCE = 60.0
"""Seconds without a word after which an order is given up; progress is told four times a second."""
STILL = 10.0
"""Seconds at the same number of requests, told again and again, after which an order is given up: a
request that is stuck in the guest's kernel never comes back, though the appliance says so all the
time."""
STOPPING = 1.5
"""Seconds that the appliance has to stop what it does; the guest is destroyed anyway."""
_COMPUTE = frozenset({"compute", "faults", "exits"})
_SEQUENTIAL = "large"
_PINGPONG = "pingpong"


class Place(Protocol):
    """Where a subject is in its guest; "" where it has none of these."""

    @property
    def serial(self) -> str: ...

    @property
    def mac(self) -> str: ...

    @property
    def peer(self) -> str: ...


class OrderFailedError(LabError):
    """The appliance could not carry out an order; the text is its own."""


class GuestLostError(LabError):
    """The appliance takes no orders any more."""


class Line:
    """Gives a guest one order at a time, and waits for what comes of it."""

    def __init__(self, guest: LabGuest, control: Control, clock: Callable[[], float]) -> None:
        self.guest = guest
        self._control = control
        self._clock = clock
        self._last = 0

    def ask(
        self,
        order: Message,
        *,
        silence: float = SILENCE,
        still: float = STILL,
        ready: Callable[[], None] | None = None,
        tell: Callable[[Message | None], None] = lambda _: None,
    ) -> Message:
        """The answer that ends an order. tell: called with each progress message, and with None
        while none comes. silence, still: seconds. ready: called just before the work begins,
        which waits for it. Raises OrderFailedError, LabError when it said
        nothing or stood still for too long or the guest is gone (GuestLostError: for good),
        LabStoppedError after it was told to stop."""
        mine = self._send({**order, "held": True} if ready else order)
        heard = moved = self._clock()
        done: float | None = None
        while True:
            message = self.guest.receive(TICK)
            if message is not None and message.get("id") == mine:
                kind = message.get("type")
                if kind == "failed":
                    raise OrderFailedError(str(message.get("why") or "it did not say why"))
                if kind == "ready" and ready:
                    ready()
                    self.guest.send({"do": "go", "id": mine})
                    heard = moved = self._clock()
                    continue
                if kind != "progress":
                    return message
                heard = self._clock()
                if number(message, "done") != done:
                    done, moved = number(message, "done"), heard
                tell(message)
            else:
                # Also what comes late of an order that was given up.
                tell(None)
            if self._control.stopping:
                self._stop()
                raise LabStoppedError
            what = ""
            if heard - moved > still:
                at = f"{done or 0:.0f} of {order.get('requests')} requests"
                what = f"It stood still at {at} for {still:.0f} s."
            elif self._clock() - heard > silence:
                what = f"The appliance said nothing for {silence:.0f} s."
            if what:
                raise LabError(what) if self._stop() else GuestLostError(what)

    def _stop(self) -> bool:
        """Whether the appliance has stopped what it did."""
        number = self._send({"do": "stop"})
        until = self._clock() + STOPPING
        while self._clock() < until:
            message = self.guest.receive(TICK)
            if message and message.get("id") == number:
                return True
        return False

    def _send(self, order: Message) -> int:
        self._last += 1
        self.guest.send({**order, "id": self._last})
        return self._last


def order_of(
    subject: Subject,
    workload: Workload,
    place: Place,
    *,
    seed: int,
    traced: bool = False,
    generator: str = "",
) -> dict[str, object]:
    """What to tell the appliance so that it does this workload on this subject. generator: "tuivm"
    for the appliance's own even where it has fio."""
    if workload.id in _COMPUTE:
        return {"do": "compute", "kind": workload.id, "requests": workload.requests}
    common = {"size": workload.size, "requests": workload.requests, "traced": traced}
    if of_nic(subject.experiment, workload.id):
        mode = _PINGPONG if workload.id == _PINGPONG else "send"
        return {"do": "frames", "mac": place.mac, "peer": place.peer, "mode": mode, **common}
    return {
        "do": "io",
        "serial": place.serial,
        "op": "read",
        "depth": workload.depth,
        "seed": seed,
        "sequential": workload.id == _SEQUENTIAL,
        **({"generator": generator} if generator else {}),
        **common,
    }


class Done(NamedTuple):
    """A trial as the appliance saw it. sent: requests issued, of which some may have got lost.
    generator: what issued them."""

    trial: Trial
    sent: int
    generator: str = ""


def done_of(answer: Message, subject: Subject, workload: Workload, round_: int) -> Done:
    """From the answer "done". Frames that did not arrive are not counted as done. Raises LabError
    for an answer without the figures."""
    sent = _whole(answer, "requests")
    seconds = number(answer, "seconds")
    requests, moved = sent, _whole(answer, "bytes")
    arrived = number(answer, "arrived")
    if arrived is not None and arrived < sent:
        requests, moved = int(arrived), int(arrived) * workload.size
    if not seconds or seconds <= 0 or requests <= 0:
        raise OrderFailedError(f"{requests} of {sent} requests were done in {seconds} s")
    latency = [number(answer, key) for key in ("p50", "p95", "p99")]
    p50, p95, p99 = latency
    interrupts = number(answer, "interrupts")
    trial = Trial(
        subject=subject.id,
        workload=workload.id,
        round=round_,
        requests=requests,
        bytes=moved,
        seconds=seconds,
        latency=None if p50 is None or p95 is None or p99 is None else Percentiles(p50, p95, p99),
        interrupts=None if interrupts is None else int(interrupts),
    )
    return Done(trial, sent, str(answer.get("generator") or ""))


def number(message: Message, key: str) -> float | None:
    """A figure of a message; None where it has none."""
    value = message.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(message: Message, key: str) -> int:
    value = number(message, key)
    if value is None:
        raise LabError(f"The appliance's answer has no {key!r}.")
    return int(value)
