"""The form for cloud-init: what the seed tells a cloud image on its first boot."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from tuivm.background import off_the_loop
from tuivm.model.spec import CloudInit
from tuivm.model.units import visible
from tuivm.screens.create.choices import ListField, Row
from tuivm.screens.create.fields import Field, TextField
from tuivm.screens.create.localfiles import public_keys
from tuivm.screens.dialogs.base import Dialog, Keys, Picker, button, field, plain

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*", re.ASCII)
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_:=~*/-]*", re.ASCII)
_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/=]{20,}( .*)?")


class CloudForm(Vertical):
    """Fields with keys under "source.cloud". Its values are texts; lists are parted by blanks."""

    DEFAULT_CSS = """
    CloudForm { height: auto; width: 100%; }
    CloudForm > Static { color: $text-muted; }
    """

    def compose(self) -> ComposeResult:
        yield Static(Content("cloud-init: what the image is told on its first boot"))
        yield TextField(
            "source.cloud.user",
            "User",
            "gets sudo; the password or a key lets it in",
            check=user_fault,
        )
        yield TextField(
            "source.cloud.password",
            "Password",
            "hashed before it is written anywhere",
            secret=True,
            check=lambda text: "" if text.isprintable() else "it holds a control character",
        )
        yield ListField(
            "source.cloud.ssh_keys", "SSH keys", "public keys that may log in", empty="none yet"
        )
        yield TextField(
            "source.cloud.hostname", "Host name", "as the guest calls itself", check=host_fault
        )
        yield TextField(
            "source.cloud.packages",
            "Packages",
            "installed on the first boot; several with blanks between",
            check=packages_fault,
        )
        yield TextField(
            "source.cloud.network.address",
            "Address",
            "with its prefix length: 192.168.1.20/24; nothing for DHCP",
            check=address_fault,
        )
        yield TextField("source.cloud.network.gateway", "Gateway", "192.168.1.1", check=ip_fault)
        yield TextField(
            "source.cloud.network.dns", "DNS", "several with blanks between", check=ips_fault
        )

    def show(self, cloud: CloudInit, name: str) -> None:
        """name: the guest's, which the host name is by default."""
        network = cloud.network
        static = bool(network.address or network.gateway or network.dns)
        texts = {
            "user": (cloud.user, ""),
            "password": (cloud.password, ""),
            "hostname": (cloud.hostname, name),
            "packages": (" ".join(cloud.packages), ""),
            "network.address": (network.address, "DHCP"),
            "network.gateway": (network.gateway, ""),
            "network.dns": (" ".join(network.dns), ""),
        }
        for one in self.query(TextField):
            key = one.key.removeprefix("source.cloud.")
            value, default = texts[key]
            if key in ("packages", "network.dns") and one.value.split() == value.split():
                value = one.value
            one.show(value, default)
            if key in ("network.gateway", "network.dns"):
                one.display = static or bool(one.fault)
        self.query_one(ListField).show(
            [Row(_key_line(key), number) for number, key in enumerate(cloud.ssh_keys)]
        )

    def edited(self, one: Field, cloud: CloudInit) -> CloudInit:
        value = str(one.value)
        network = cloud.network
        match one.key.removeprefix("source.cloud."):
            case "user":
                return cloud._replace(user=value)
            case "password":
                return cloud._replace(password=value)
            case "hostname":
                return cloud._replace(hostname=value)
            case "packages":
                return cloud._replace(packages=tuple(value.split()))
            case "network.address":
                network = network._replace(address=value)
            case "network.gateway":
                network = network._replace(gateway=value)
            case "network.dns":
                network = network._replace(dns=tuple(value.split()))
        return cloud._replace(network=network)

    def asked(
        self,
        event: ListField.Asked,
        cloud: CloudInit,
        put: Callable[[tuple[str, ...]], None],
    ) -> None:
        """Add, edit or remove a key."""
        keys = cloud.ssh_keys
        at = event.item if isinstance(event.item, int) else None
        if event.what == "remove":
            put(tuple(key for number, key in enumerate(keys) if number != at))
            return
        if event.what == "add":
            at = None

        def answered(key: str | None) -> None:
            if key is not None:
                others = [one for number, one in enumerate(keys) if number != at and one != key]
                put((*others, key))

        self.app.push_screen(KeyDialog("" if at is None else keys[at]), answered)


class KeyDialog(Dialog[str]):
    """Answers a public SSH key: one of the person's own, or what is pasted."""

    DEFAULT_CSS = "KeyDialog #dialog { width: 100; }"
    AUTO_FOCUS = "Picker"
    note_rows = 1
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "accept", "OK", show=False)]

    def __init__(self, key: str = "") -> None:
        super().__init__()
        self._key = key
        self._found: tuple[tuple[str, str], ...] = ()

    @property
    def title_text(self) -> str:
        return "A public SSH key"

    @property
    def keys(self) -> Keys:
        return (("Enter", "take it"), ("Tab", "move"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield Picker(id="own")
        yield field(
            "Key",
            Input(self._key, id="key", compact=True, placeholder="ssh-ed25519 AAAA… you@here"),
        )

    def buttons(self) -> Iterable[Button]:
        return (button("Cancel", "cancel"), button("Take it", "ok"))

    def on_mount(self) -> None:
        if self._key:
            self.query_one("#key").focus()
        self._judge()
        self.run_worker(self._look())

    async def _look(self) -> None:
        self._found = await off_the_loop(partial(public_keys, Path.home()))
        picker = self.query_one(Picker)
        picker.add_options([Option(_file_line(*one)) for one in self._found])
        picker.display = bool(self._found)
        picker.highlighted = 0 if self._found else None
        if not self._found:
            self.query_one("#key").focus()
        self._judge()

    @property
    def typed(self) -> str:
        return self.query_one("#key", Input).value.strip()

    def _judge(self) -> str:
        fault = key_fault(self.typed) if self.typed else "no key yet"
        self.note("" if not self.typed and self._found else fault)
        self.query_one("#ok", Button).disabled = bool(fault)
        return fault

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[event.option_index][1])

    @on(Input.Changed)
    def _typed(self) -> None:
        self._judge()

    @on(Input.Submitted)
    @on(Button.Pressed, "#ok")
    def _accept(self) -> None:
        if not self._judge():
            self.dismiss(self.typed)

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    def action_accept(self) -> None:
        self._accept()


def _key_line(key: str) -> Content:
    kind, _, rest = key.partition(" ")
    body, _, comment = rest.partition(" ")
    short = body if len(body) <= 16 else f"…{body[-12:]}"
    return Content(visible(" ".join(part for part in (kind, short, comment) if part)))


def _file_line(name: str, key: str) -> Content:
    return plain(f"~/.ssh/{name}  ", "bold") + _key_line(key)


def user_fault(text: str) -> str:
    if _USER.fullmatch(text):
        return ""
    return "a user's name has small letters, digits, _ and -, 32 at most, and begins with a letter"


def host_fault(text: str) -> str:
    if len(text) <= 253 and _HOST.fullmatch(text):
        return ""
    return "a host's name has letters, digits and -, up to 63 between dots"


def packages_fault(text: str) -> str:
    bad = next((one for one in text.split() if not _PACKAGE.fullmatch(one)), "")
    return f'"{visible(bad[:40])}" is no package\'s name' if bad else ""


def address_fault(text: str) -> str:
    try:
        if "/" not in text:
            ipaddress.ip_address(text)
            return "the prefix length is missing: 192.168.1.20/24"
        ipaddress.ip_interface(text)
    except ValueError:
        return "this is no address with a prefix length, as 192.168.1.20/24 is"
    return ""


def ip_fault(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "this is no IP address"
    return ""


def ips_fault(text: str) -> str:
    return next((fault for one in text.split() if (fault := ip_fault(one))), "")


def key_fault(text: str) -> str:
    if "PRIVATE KEY" in text:
        return "this is a private key: never give that away"
    if _KEY.fullmatch(text):
        return ""
    return "a public key is one line: its type, the key, a comment"
