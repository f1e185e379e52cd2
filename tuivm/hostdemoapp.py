"""The app as `tuivm demo --host` opens it: on the devices of its host, with what can be shown there
one key away."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from tuivm.app import TuivmApp
from tuivm.model.hosts import HostState
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.hosts import HostsScreen

KEY = "g"
PAGE = "pci"
WORDS = """\
This host is emulated whole: CPU with SVM, IOMMU (VT-d), SR-IOV. What you see of passthrough, KVM \
and nesting on it is real, only slow. It ends with this program; nothing of it is kept.

0000:01:00.0, a NIC (e1000e), and 0000:02:00.0, an NVMe controller that is a PF with up to 4 VFs: \
each is alone in its IOMMU group, so it can be taken from the host and given to a guest.

0000:00:1f.*, ISA bridge, SATA and SMBus: one group of three. The whole group goes or nothing does.

0000:00:02.0, the NIC of this very connection, and 0000:00:06.0, the disk with the root file \
system: what the verdict "would hurt the host" is for.

USB storage and a USB tablet can be given to a guest by port.

The guest "guest" is defined and off: start it (place 1), attach devices, look at them on its \
serial console with: ls /sys/bus/pci/devices"""


class HostDemoApp(TuivmApp):
    """See `tuivm.hostdemo`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Lists take the key too (first row), and are asked first.
        Binding(KEY, "what_to_show", "What can be shown", show=False, priority=True),
    ]

    def __init__(self, host: str, /, *hosts: Any, **settings: Any) -> None:
        """host: its name. The rest as `TuivmApp` takes it."""
        super().__init__(*hosts, **settings)
        self._host = host
        self._opened = False

    @property
    def owns_guests(self) -> bool:
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "what_to_show":
            return not isinstance(self.screen, ModalScreen) and not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    def action_what_to_show(self) -> None:
        self.push_screen(Explain(f"What can be shown on {self._host}", WORDS))

    def paint_now(self) -> None:
        if not self._opened and self._up():
            self._opened = True
            self.do_place_hosts()
            self.call_after_refresh(self._open_page)
            self.say(f"{KEY}: what can be shown on this host")
        super().paint_now()

    def _up(self) -> bool:
        statuses = self.store.statuses(self.now())
        return any(one.spec.name == self._host and one.state is HostState.UP for one in statuses)

    def _open_page(self) -> None:
        if isinstance(self.screen, HostsScreen):
            self.screen.action_page(PAGE)
