"""What can be started in the Lab: what the chosen host offers, and the plan of what is chosen."""

from __future__ import annotations

import asyncio

from tuivm.model.lab import Experiment, LabOffer, LabRequest, Plan
from tuivm.model.labports import LabPort, LabPortError
from tuivm.screens.labrunning import RunningPlace


class ChoosingPlace(RunningPlace):
    """A place where what is to be run is chosen.

    offer: None while the host is asked. plan: in words, why there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.offer: LabOffer | None = None
        self.plan: Plan | str = ""
        self._asked: LabPort | None = None
        self._planned: tuple[LabOffer, LabRequest] | None = None

    @property
    def lesson_in_front(self) -> Experiment | None:
        """The lesson that would be run instead of what is chosen."""
        raise NotImplementedError

    def ask_host(self) -> None:
        self.offer, self._asked = None, self.port
        if self.choice.host:
            work = self._take_offer(self.choice.host)
            self.run_worker(work, group="lab-offer", exclusive=True)

    async def _take_offer(self, host: str) -> None:
        try:
            self.offer = await asyncio.wrap_future(self.port.offer(host))
        except LabPortError as error:
            self.offer = LabOffer(host, problem=str(error))
        self.desk.paint_now()

    def make_plan(self) -> None:
        """Anew only when something else is asked for: what is shown is what will run."""
        host = self.choice.host
        if host and self._asked is not self.port:
            # Made anew, since there are other hosts now: it knows nothing of them yet.
            self.ask_host()
        refusal = self._host_refusal()
        if self.offer is None or self.offer.problem or refusal:
            self._planned = None
            asking = f"asking {host} what it can do" if host else "no host is known"
            self.plan = refusal or (self.offer.problem if self.offer else asking)
            return
        asked = self.offer, self.choice.request(self.offer, self.lesson_in_front)
        if asked == self._planned:
            return
        self._planned = asked
        try:
            self.plan = self.port.plan(*asked)
        except LabPortError as error:
            self.plan = str(error)

    def _host_refusal(self) -> str:
        """Why nothing can be started on the chosen host, "" when something can."""
        host = self.choice.host
        if host and host not in self.desk.store.host_names:
            return f"{host} is no longer in the list of hosts"
        return self.desk.store.status(host, self.desk.now()).refusal if host else ""
