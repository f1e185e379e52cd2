"""A libvirt host's devices, storage and networks: see `model.deviceports.DevicePort`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import libvirt

from tuivm.hypervisor.borrowing import DEADLINE, SLOW, BorrowingHost, Lend
from tuivm.hypervisor.lanes import Lanes
from tuivm.model.createports import Offered
from tuivm.model.hostrequests import HostRequest
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.offers import HostDevice, HostOffer, Network, Pool, Volume
from tuivm.model.ports import Text
from tuivm.model.requests import Outcome

XML_DEADLINE = 5.0
"""Seconds: a dialog waits for it before it opens."""
ACTING = 180.0
"""A kernel takes its time for many VFs, and so does a share that is mounted."""


class LibvirtDeviceHost(BorrowingHost):
    """See `DevicePort`. Everything comes back at once; the work is done on daemon threads."""

    def __init__(self, spec: HostSpec, lend: Lend, changed: Callable[[], None]) -> None:
        """changed: called when a request has been carried out, to show what it did."""
        super().__init__(spec, lend)
        self._changed = changed
        self._looking = self._lane(f"devices-{spec.name}", 2)
        self._slow = self._lane(f"overview-{spec.name}", 1)
        # One: what is asked of a device must not overtake what was asked of it before.
        self._acting = self._lane(f"device-actions-{spec.name}", 1)

    def devices(self) -> Future[Offered]:
        from tuivm.hypervisor.devicesurvey import devices  # noqa: PLC0415 - when they are looked at

        return self._look("its devices", devices)

    def overview(self) -> Future[Offered]:
        from tuivm.hypervisor.hostsurvey import overview  # noqa: PLC0415 - when it is looked at

        return self._look("what it is made of", overview, lanes=self._slow, deadline=SLOW)

    def storage(self) -> Future[Offered]:
        from tuivm.hypervisor.hostsurvey import storage  # noqa: PLC0415 - when it is looked at

        return self._look("its storage", storage)

    def networks(self) -> Future[Offered]:
        from tuivm.hypervisor.hostsurvey import networks  # noqa: PLC0415 - when it is looked at

        return self._look("its networks", networks)

    def xml(self, part: HostDevice | Pool | Volume | Network) -> Future[Text]:
        def read(conn: libvirt.virConnect) -> Text:
            return Text(_xml(conn, part))

        name = part.nodedev if isinstance(part, HostDevice) else part.name
        what = f"cannot read the XML of {name}"
        return self._ask(
            self._looking, what, read, lambda problem: Text(problem=problem), deadline=XML_DEADLINE
        )

    def act(self, request: HostRequest) -> Future[Outcome]:
        from tuivm.hypervisor.hostactions import intent, perform  # noqa: PLC0415 - when one acts

        what = f"cannot {intent(request)}"
        if self._spec.readonly:
            refused: Future[Outcome] = Future()
            refused.set_result(Outcome(Problem(what, f"{self._spec.name} is opened read-only")))
            return refused

        def act(conn: libvirt.virConnect) -> Outcome:
            try:
                return perform(conn, self._spec, request)
            finally:
                self._changed()

        return self._ask(self._acting, what, act, Outcome, deadline=ACTING)

    def _look(
        self,
        what: str,
        survey: Callable[[libvirt.virConnect, HostSpec], HostOffer],
        *,
        lanes: Lanes | None = None,
        deadline: float = DEADLINE,
    ) -> Future[Offered]:
        def look(conn: libvirt.virConnect) -> Offered:
            offer = survey(conn, self._spec)
            if not conn.isAlive():
                # Raises: what was asked after it was lost is not in the offer.
                conn.getLibVersion()
            return Offered(offer)

        return self._ask(
            lanes or self._looking,
            f"cannot ask {self._spec.name} for {what}",
            look,
            lambda problem: Offered(problem=problem),
            deadline=deadline,
        )


def _xml(conn: libvirt.virConnect, part: HostDevice | Pool | Volume | Network) -> str:
    """Raises libvirtError, as when it is gone."""
    match part:
        case HostDevice(nodedev=name):
            return conn.nodeDeviceLookupByName(name).XMLDesc()
        case Pool(name=name):
            return conn.storagePoolLookupByName(name).XMLDesc()
        case Volume(path=path):
            return conn.storageVolLookupByPath(path).XMLDesc()
        case Network(name=name):
            return conn.networkLookupByName(name).XMLDesc()
