"""What is known of guests, from lists and from what comes between them."""

from __future__ import annotations

from typing import Any, cast

import libvirt

from tuivm.hypervisor.listing import Roster
from tuivm.model.guests import GuestState

UUID = "c4cddf6a-e6fb-40ce-8ab8-0026171d877c"
RUNNING = (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED)
OFF = (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED)


class Domain:
    def UUIDString(self) -> str:  # noqa: N802 - libvirt's name for it
        return UUID

    def name(self) -> str:
        return "web"

    def ID(self) -> int:  # noqa: N802 - libvirt's name for it
        return 7


class Connection:
    """One guest, which runs."""

    def listAllDomains(self, _flags: int) -> list[Domain]:  # noqa: N802 - libvirt's name for it
        return [Domain()]

    def getAllDomainStats(self, _stats: int, _flags: int) -> list[Any]:  # noqa: N802 - as above
        return [(Domain(), {"state.state": RUNNING[0], "state.reason": RUNNING[1]})]


def test_a_guest_that_is_seen_to_be_off_between_two_lists_has_nothing_of_its_run_left() -> None:
    roster = Roster("local", {})
    roster.refresh(cast(libvirt.virConnect, Connection()))
    roster.saw_start(UUID, 1000.0)
    roster.saw_accelerator(UUID, "kvm")
    roster.saw_addresses(UUID, ("192.0.2.7",))
    roster.saw_agent_os(UUID, 7, "debian 12")
    assert roster.publish()[UUID].agent_os == "debian 12"
    assert not roster.saw_state(UUID, *RUNNING)
    assert roster.saw_state(UUID, *OFF)
    guest = roster.publish()[UUID]
    assert guest.state is GuestState.OFF
    left = (guest.started_at, guest.addresses, guest.accelerator, guest.agent_os)
    assert left == (None, (), "", "")
