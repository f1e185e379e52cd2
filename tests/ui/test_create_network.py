"""The wizard's step "Network": rows, the dialog of one NIC, bad input at each field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from tests.ui.create_support import (
    DEBIAN,
    NASTY,
    NASTY_SHOWN,
    OFFER,
    TCG,
    TCG_CAPS,
    StepApp,
    closed,
    draft,
    focus,
    opened,
    typed,
)
from tests.ui.dialog_support import screen_text
from tests.ui.dialog_support import words as shown
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import HostDevice, HostOffer, Network
from tuivm.model.spec import (
    Forward,
    Nic,
    NicKind,
    Passed,
    PassKind,
    Preset,
    Source,
    SourceKind,
    Spec,
)
from tuivm.preflight.choices_nic import mac_fault
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.edit_nic import EditNic
from tuivm.screens.create.step_network import NetworkStep

SIZE = (80, 24)
FREE_VF = HostDevice(
    "pci",
    "pci_0000_03_10_0",
    "0000:03:10.0",
    class_="020000",
    iommu_group=6,
    group_members=("0000:03:10.0",),
    physical_function="0000:03:00.0",
)


def start(spec: Spec | None = None, offer: HostOffer = OFFER, **more: Any) -> Draft:
    return draft(spec or Spec(name="web"), offer, os=DEBIAN, **more)


async def edit(app: StepApp, pilot: Pilot[Any], key: str = "space") -> EditNic:
    await pilot.press(key)
    await opened(app, pilot)
    assert isinstance(app.dialog, EditNic)
    return app.dialog


def nics(app: StepApp) -> tuple[Nic, ...]:
    assert app.spec.nics is not None
    return app.spec.nics


async def test_the_default_is_shown_with_its_class() -> None:
    app = StepApp(NetworkStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "◆ virtio-net network default random MAC" in shown(app)
        assert "network default: active, NAT" in shown(app)
        assert "By default." in shown(app)
    assert app.spec.nics is None


async def test_a_session_goes_by_user_mode() -> None:
    app = StepApp(NetworkStep, start(offer=TCG, caps=TCG_CAPS))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "user mode (slirp)" in shown(app)
        await edit(app, pilot)
        await focus(app, pilot, "nic.0")
        await pilot.press("space")
        await pilot.pause()
        assert "passt off: passt is not installed on the host" in shown(app)
        assert "macvtap on eno1 off: an ordinary user's libvirt may not" in shown(app)


async def test_nothing_but_ascii() -> None:
    app = StepApp(NetworkStep, start(), ascii_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "V virtio-net" in shown(app)
        assert screen_text(app).isascii()
        await edit(app, pilot)
        assert screen_text(app).isascii()


async def test_nics_are_added_and_removed_by_keys() -> None:
    app = StepApp(NetworkStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await edit(app, pilot, "a")
        await focus(app, pilot, "nic.1")
        await pilot.press("right")
        assert "network vfs" in shown(app)
        assert "Model" not in shown(app)
        await pilot.press("enter")
        await closed(app, pilot)
        assert nics(app) == (Nic(), Nic(NicKind.NETWORK, "vfs"))
        assert "▲ VF of the host's NIC network vfs" in shown(app)
        await pilot.press("x", "x")
        assert nics(app) == ()
        assert "no network at all" in shown(app)
        assert "nobody reaches" in shown(app)


async def test_a_new_random_mac() -> None:
    app = StepApp(NetworkStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await edit(app, pilot)
        await pilot.press("ctrl+r", "enter")
        await closed(app, pilot)
        first = nics(app)[0].mac
        assert first.startswith("52:54:00:")
        assert mac_fault(first) == ""
        assert first in shown(app)
        dialog = await edit(app, pilot)
        await pilot.click("#random")
        await pilot.pause()
        dialog.query_one("#ok", Button).press()
        await closed(app, pilot)
    assert nics(app)[0].mac != first


async def test_forwarded_ports() -> None:
    spec = Spec(name="web", nics=(Nic(NicKind.PASST),))
    app = StepApp(NetworkStep, start(spec))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await edit(app, pilot)
        await typed(app, pilot, "nic.0.forwards", "2222:22, 127.0.0.1:5353:53/udp")
        assert "host's port:guest's port" in shown(app)
        await pilot.press("enter")
        await closed(app, pilot)
        assert nics(app)[0].forwards == (
            Forward(2222, 22),
            Forward(5353, 53, "udp", "127.0.0.1"),
        )
        assert "forwards 127.0.0.1:5353:53/udp" in shown(app)
        dialog = await edit(app, pilot)
        await focus(app, pilot, "nic.0")
        await pilot.press("right")
        assert "user mode" in shown(app)
        assert "by passt only" in shown(app)
        assert dialog.query_one("#ok", Button).disabled


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        ("mac", "52:54:00", "six pairs"),
        ("mac", "53:54:00:12:34:56", "multicast"),
        ("mac", "z" * 70_000, "at most 65535 characters"),
        ("mac", "٥٢:54:00:12:34:56", "six pairs"),
        ("forwards", "22", "such as 2222:22"),
        ("forwards", "-1:22", "from 1 to 65535"),
        ("forwards", "2222:99999999999", "from 1 to 65535"),
        ("forwards", "22:22/icmp", "tcp or udp"),
        ("forwards", "22:22, 22:23", "twice"),
        ("forwards", "²:22", "from 1 to 65535"),
    ],
)
async def test_bad_input(field: str, text: str, why: str) -> None:
    spec = Spec(name="web", nics=(Nic(NicKind.PASST),))
    app = StepApp(NetworkStep, start(spec))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        dialog = await edit(app, pilot)
        await typed(app, pilot, f"nic.0.{field}", text)
        assert "✖ error:" in shown(app)
        assert why in shown(app)
        assert dialog.query_one("#ok", Button).disabled
        await pilot.press("enter")
        assert app.screen is dialog
        await typed(app, pilot, f"nic.0.{field}", "")
        await pilot.press("enter")
        await closed(app, pilot)
    assert nics(app) == (Nic(NicKind.PASST),)


async def test_a_network_that_vanishes_keeps_what_was_said() -> None:
    spec = Spec(name="web", nics=(Nic(NicKind.NETWORK, "lab"),))
    found = (Finding("gone", Severity.ERROR, "there is no network lab", field="nic.0.source"),)
    app = StepApp(NetworkStep, start(spec))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "off: inactive" in shown(app)
        app.hear(app.draft._replace(offer=OFFER._replace(networks=()), findings=found))
        await pilot.pause()
        assert "✖◆ virtio-net network lab" in shown(app)
        assert "there is no network lab" in shown(app)
        await edit(app, pilot)
        assert "there is no network lab" in shown(app)
    assert app.spec == spec


async def test_the_passthrough_preset_keeps_its_vf_when_another_nic_is_added() -> None:
    app = StepApp(NetworkStep, start(Spec(name="web", preset=Preset.PASSTHROUGH)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "▲ VF of the host's NIC" in shown(app)
        await edit(app, pilot, "a")
        await pilot.press("enter")
        await closed(app, pilot)
    assert nics(app) == (Nic(NicKind.NETWORK, "vfs"), Nic())


async def test_a_vf_that_the_preset_passes_through_stays_when_a_nic_is_added() -> None:
    offer = OFFER._replace(networks=(), devices=(FREE_VF,))
    app = StepApp(NetworkStep, start(Spec(name="web", preset=Preset.PASSTHROUGH), offer))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "what is passed through may be one" in shown(app)
        await edit(app, pilot, "a")
        await pilot.press("enter")
        await closed(app, pilot)
    assert nics(app) == (Nic(),)
    assert app.spec.passed == (Passed(PassKind.VF, FREE_VF.address, FREE_VF.nodedev),)


async def test_names_from_outside_are_shown_safely() -> None:
    offer = OFFER._replace(networks=(Network(NASTY, True, "nat"),))
    spec = Spec(name="web", nics=(Nic(NicKind.NETWORK, NASTY),))
    app = StepApp(NetworkStep, start(spec, offer))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert NASTY_SHOWN in screen_text(app)
        await edit(app, pilot)
        assert NASTY_SHOWN in screen_text(app)


async def test_a_copied_guest_has_its_own_nics() -> None:
    spec = Spec(name="web", source=Source(SourceKind.COPY, guest="db-1"))
    app = StepApp(NetworkStep, start(spec))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "NICs as db-1 has them" in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("keys", [(), ("space",)], ids=["list", "dialog"])
def test_picture(  # type: ignore[no-untyped-def]
    snap_compare, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    app = StepApp(NetworkStep, start())

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()

    run_before: Callable[[Pilot[Any]], Awaitable[None]] = act
    assert snap_compare(app, terminal_size=size, run_before=run_before)
