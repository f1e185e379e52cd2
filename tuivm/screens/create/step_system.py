"""The wizard's step "System": the guest's name, its OS, how much CPU and memory it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.app import ComposeResult

from tuivm.model.oses import OsInfo
from tuivm.model.spec import Graphics, Spec, Topology
from tuivm.model.units import byte_count, kib
from tuivm.screens.create.choices import ChoiceField
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.fields import Field, NumberField, SizeField, SwitchField, TextField
from tuivm.screens.create.step import Step
from tuivm.screens.dialogs.choose import Choice

_NAME = "guest.name"


class SystemStep(Step):
    """The OS is guessed from the source; what it needs and likes becomes the default."""

    title = "System"
    about = "Its name, OS, CPUs and memory."
    keys: ClassVar[tuple[str, ...]] = ("guest", "machine.topology")

    def compose(self) -> ComposeResult:
        yield TextField(_NAME, "Name", "what the host knows it by", check=name_fault)
        yield ChoiceField("guest.os", "OS", "what is installed in it: sets the defaults")
        yield NumberField("guest.vcpus", "vCPUs", "virtual CPUs")
        yield NumberField("machine.topology.sockets", "  sockets", _FILLED)
        yield NumberField("machine.topology.cores", "  cores", _FILLED)
        yield NumberField("machine.topology.threads", "  threads", _FILLED)
        yield SizeField(
            "guest.memory",
            "Memory",
            "such as 2G or 512M; a number alone: MiB",
            unit="MiB",
            kib=True,
        )
        yield SizeField(
            "guest.memory_max",
            "  at most",
            "what it can be given while it runs, by its balloon",
            unit="MiB",
            kib=True,
        )
        yield SwitchField("guest.autostart", "Autostart", "starts with its host")
        yield ChoiceField("guest.graphics", "Screen", "a serial console is always there")
        yield SwitchField("guest.start", "Start it", "as soon as it is made")
        yield TextField("guest.title", "Title", "a line about it, for lists", check=title_fault)
        yield TextField("guest.description", "Description", "whatever is worth knowing")

    def fill(self, draft: Draft) -> None:
        spec, full = draft.spec, draft.full
        said, comes = spec.machine.topology, full.machine.topology
        texts = {
            _NAME: (spec.name, full.name),
            "guest.title": (spec.title, ""),
            "guest.description": (spec.description, ""),
        }
        numbers = {
            "guest.vcpus": (spec.vcpus, full.vcpus),
            "machine.topology.sockets": (said.sockets, comes.sockets),
            "machine.topology.cores": (said.cores, comes.cores),
            "machine.topology.threads": (said.threads, comes.threads),
            "guest.memory": (spec.memory_kib, full.memory_kib),
            "guest.memory_max": (spec.memory_max_kib, full.memory_max_kib),
        }
        for field in self.query(Field):
            match field:
                case NumberField():
                    field.show_number(*numbers[field.key])
                case TextField():
                    field.show(*texts[field.key])
                case SwitchField() if field.key == "guest.start":
                    field.show(spec.start)
                case SwitchField():
                    field.show(spec.autostart)
                case ChoiceField() if field.key == "guest.os":
                    field.show(spec.os, os_choices(draft), draft.os.short_id)
                case ChoiceField():
                    field.show(spec.graphics, graphics(draft), full.graphics)
        self._say_what_suits(draft)

    def _say_what_suits(self, draft: Draft) -> None:
        """The OS's minimums, where one types; whether the name is free."""
        name = draft.full.name
        taken = {guest for guest, _, _ in draft.offered.guests}
        free = f"{name} is free on {draft.host}" if name and name not in taken else ""
        about = {
            _NAME: free if draft.offer is not None and free else "what the host knows it by",
            "guest.vcpus": _least("virtual CPUs", draft.os, draft.os.vcpus_min, str),
            "guest.memory": _least(
                "such as 2G or 512M; a number alone: MiB", draft.os, draft.os.memory_min_kib, kib
            ),
        }
        for field in self.query(Field):
            field.about = about.get(field.key, field.about)

    def edited(self, field: Field, draft: Draft) -> Spec:
        spec = draft.spec
        number = field.number if isinstance(field, NumberField) else 0
        name = field.key.rpartition(".")[2]
        if field.key.startswith("machine.topology."):
            return _with_topology(spec, name, number)
        match name:
            case "vcpus":
                spec = spec._replace(vcpus=number)
            case "memory":
                spec = spec._replace(memory_kib=number)
            case "memory_max":
                spec = spec._replace(memory_max_kib=number)
            case "start":
                spec = spec._replace(start=field.value is not False)
            case "autostart":
                spec = spec._replace(autostart=field.value is True)
            case "graphics":
                spec = spec._replace(graphics=Graphics(str(field.value)))
            case _:
                spec = _with_text(spec, name, str(field.value))
        return spec

    def said(self, draft: Draft) -> bool:
        spec, nothing = draft.spec, Spec()
        return (
            (spec.name, spec.title, spec.description, spec.os, spec.vcpus, spec.memory_kib)
            != ("", "", "", "", 0, 0)
            or (spec.memory_max_kib, spec.autostart, spec.graphics, spec.start)
            != (0, False, nothing.graphics, True)
            or spec.machine.topology != Topology()
        )


_FILLED = "sockets x cores x threads are the vCPUs; what is not said is filled in"


def _with_topology(spec: Spec, name: str, number: int) -> Spec:
    topology = spec.machine.topology
    match name:
        case "sockets":
            topology = topology._replace(sockets=number)
        case "cores":
            topology = topology._replace(cores=number)
        case _:
            topology = topology._replace(threads=number)
    return spec._replace(machine=spec.machine._replace(topology=topology))


def _with_text(spec: Spec, name: str, text: str) -> Spec:
    match name:
        case "name":
            return spec._replace(name=text)
        case "os":
            return spec._replace(os=text)
        case "title":
            return spec._replace(title=text)
        case _:
            return spec._replace(description=text)


def os_choices(draft: Draft) -> list[Choice]:
    """What the source looks like first, then all others by name; the ended ones last."""
    guessed = draft.guessed
    first = [_os(guessed, "as the source says")] if guessed is not None and guessed.known else []
    rest: Iterable[OsInfo] = sorted(
        (one for one in draft.oses if guessed is None or one.id != guessed.id),
        key=lambda one: (one.ended, one.name.casefold()),
    )
    here = [] if any(one.short_id == draft.os.short_id for one in draft.oses) else [_os(draft.os)]
    return [*first, *here, *(_os(one) for one in rest)]


def _os(one: OsInfo, note: str = "") -> Choice:
    needs = []
    if one.memory_kib or one.memory_min_kib:
        needs.append(f"{kib(one.memory_kib or one.memory_min_kib)} memory")
    if one.storage or one.storage_min:
        needs.append(f"{byte_count(one.storage or one.storage_min)} disk")
    likes = f"likes {', '.join(needs)}" if needs else ""
    parts = [note, likes, "no longer supported" if one.ended else ""]
    return Choice(one.short_id, one.name, "; ".join(part for part in parts if part))


def graphics(draft: Draft) -> list[Choice]:
    """What the host's QEMU has, as its domain capabilities say."""
    offered = draft.caps.graphics
    found = []
    for which, label, note in (
        (Graphics.VNC, "VNC", "any viewer shows it"),
        (Graphics.SPICE, "SPICE", "with clipboard, sound and USB; virt-viewer shows it"),
    ):
        missing = offered and which.value not in offered
        found.append(Choice(which, label, note, "this host's QEMU has none" if missing else ""))
    return [*found, Choice(Graphics.NONE, "none", "the serial console alone")]


def _least(about: str, os: OsInfo, number: int, shown: Callable[[int], str]) -> str:
    if not os.known or not number:
        return about
    return f"{about} ({os.name} needs {shown(number)} at least)"


def name_fault(text: str) -> str:
    """Why libvirt or a file's name could not have it, as far as the text tells."""
    if "/" in text:
        return "a guest's name has no / in it"
    if not text.isprintable():
        return "it holds a character that cannot be seen"
    if len(text.encode()) > 200:
        return "a guest's name has at most 200 bytes"
    return "a name does not begin with a dot" if text.startswith(".") else ""


def title_fault(text: str) -> str:
    return "" if text.isprintable() else "it holds a character that cannot be seen"
