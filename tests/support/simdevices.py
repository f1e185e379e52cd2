"""A simulated way to a host's devices, storage and networks: offers that a test sets."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from xml.sax.saxutils import escape

from tuivm.model.createports import Offered
from tuivm.model.hostrequests import HostRequest
from tuivm.model.hosts import Problem
from tuivm.model.offers import HostDevice, HostOffer, Network, Pool, Volume
from tuivm.model.ports import Text
from tuivm.model.requests import Outcome, Step


class SimDevices:
    """See `model.deviceports.DevicePort`. `offer` is what every question is answered with; `hold`
    and questions wait for `answer()`; `problem` and they fail; `refuse` and requests do. `react`
    is called with each request that is carried out."""

    def __init__(self, offer: HostOffer) -> None:
        self.offer = offer
        self.hold = False
        self.problem: Problem | None = None
        self.refuse: Problem | None = None
        self.react: Callable[[HostRequest], None] = lambda request: None
        self.asked: list[str] = []
        self.requests: list[HostRequest] = []
        self._waiting: list[Future[Offered]] = []

    def devices(self) -> Future[Offered]:
        return self._answer("devices")

    def overview(self) -> Future[Offered]:
        return self._answer("overview")

    def storage(self) -> Future[Offered]:
        return self._answer("storage")

    def networks(self) -> Future[Offered]:
        return self._answer("networks")

    def xml(self, part: HostDevice | Pool | Volume | Network) -> Future[Text]:
        """With nothing in it but what it is of."""
        future: Future[Text] = Future()
        tag = {HostDevice: "device", Pool: "pool", Volume: "volume", Network: "network"}[type(part)]
        name = part.nodedev if isinstance(part, HostDevice) else part.name
        xml = f"<{tag}>\n  <name>{escape(name)}</name>\n</{tag}>\n"
        future.set_result(Text(problem=self.problem) if self.problem else Text(xml))
        return future

    def act(self, request: HostRequest) -> Future[Outcome]:
        self.requests.append(request)
        future: Future[Outcome] = Future()
        if self.refuse is not None:
            future.set_result(Outcome(self.refuse))
        else:
            self.react(request)
            future.set_result(Outcome(steps=(Step(type(request).__name__),)))
        return future

    def answer(self) -> None:
        """Answer all that was asked meanwhile."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.set_result(self._offered())

    def _answer(self, what: str) -> Future[Offered]:
        self.asked.append(what)
        future: Future[Offered] = Future()
        if self.hold:
            self._waiting.append(future)
        else:
            future.set_result(self._offered())
        return future

    def _offered(self) -> Offered:
        return Offered(problem=self.problem) if self.problem else Offered(self.offer)
