"""Ways to look at a guest, from its definition."""

from __future__ import annotations

import pytest

from tuivm.domainxml.views import views
from tuivm.model.consoles import Display, SerialPort


def domain(devices: str, arch: str = "x86_64") -> str:
    return (
        f"<domain type='kvm'><os><type arch='{arch}'>hvm</type></os>"
        f"<devices>{devices}</devices></domain>"
    )


def test_a_serial_port_is_listed_once() -> None:
    found = views(
        domain(
            "<serial type='pty'><target type='isa-serial' port='0'/>"
            "<alias name='serial0'/></serial>"
            "<console type='pty'><target type='serial' port='0'/><alias name='serial0'/></console>"
        )
    )
    assert found.ports == (SerialPort("serial0", "isa-serial"),)


def test_several_ports_those_that_open_first() -> None:
    found = views(
        domain(
            "<serial type='file'><source path='/log'/><alias name='serial0'/></serial>"
            "<serial type='tcp'><alias name='serial1'/></serial>"
            "<console type='pty'><target type='virtio'/><alias name='console1'/></console>"
        )
    )
    assert [port.device for port in found.ports] == ["console1", "serial0", "serial1"]
    assert found.ports[0].model == "virtconsole"
    assert "written to a file" in found.ports[1].refusal
    assert "tcp" in found.ports[2].refusal


@pytest.mark.parametrize(
    ("graphics", "display"),
    [
        ("<graphics type='vnc' port='5901' listen='127.0.0.1'/>", Display("vnc", "127.0.0.1:5901")),
        ("<graphics type='vnc' port='5901' listen='::1'/>", Display("vnc", "[::1]:5901")),
        ("<graphics type='vnc' port='-1' autoport='yes'/>", Display("vnc")),
        ("<graphics type='vnc' socket='/run/vnc'/>", Display("vnc", "/run/vnc")),
        (
            "<graphics type='spice'><listen type='socket' socket='/run/s'/></graphics>",
            Display("spice", "/run/s"),
        ),
        (
            "<graphics type='spice' port='5900'><listen type='address' address='0.0.0.0'/>"
            "</graphics>",
            Display("spice", "0.0.0.0:5900"),
        ),
        ("<graphics type='spice' tlsPort='5903'/>", Display("spice", "127.0.0.1:5903")),
        ("<graphics type='egl-headless'/>", Display("egl-headless")),
    ],
)
def test_displays(graphics: str, display: Display) -> None:
    assert views(domain(graphics)).displays == (display,)


def test_nothing_to_look_at() -> None:
    found = views(domain(""))
    assert found.ports == ()
    assert found.displays == ()
    with pytest.raises(ValueError, match="not"):
        views("<pool/>")
