"""Fields of the wizard: a label, what is in it, and under it what was found wrong with that.

Each is usable alone: give it `show(value, default)`, hear `Field.Changed`, read `value` and
`fault`. A value that means "by its default" ("" or 0 or None) shows what the default comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from tuivm.model.findings import Finding, Severity
from tuivm.model.units import visible
from tuivm.screens.create.cycler import Cycler
from tuivm.screens.create.sizes import typed_size, write_size

_MARKS = {
    Severity.ERROR: ("✖", "x", "$state-bad"),
    Severity.WARNING: ("▲", "!", "$warning"),
    Severity.NOTE: ("·", ".", "$quiet"),
}
_LONGEST = 65_536
"""Characters a text may have."""


def finding_line(finding: Finding, *, ascii_only: bool = False, whole: bool = False) -> Content:
    """Glyph, word and what was found; with `whole` why it matters and what to do as well."""
    glyph, plain, style = _MARKS[finding.severity]
    told = (finding.what, finding.why if whole else "", finding.remedy)
    text = "; ".join(part.rstrip(".") for part in told if part)
    mark = plain if ascii_only else glyph
    return Content.assemble(
        (f"{mark} {finding.severity.value}: ", f"bold {style}"), (visible(text), "")
    )


class Field(Vertical):
    """key: the spec's dotted name ("guest.name"). about: one line that says what it is.

    Subclasses give `editor()`, `show()` and `value`, and call `told()` when a person changed it.
    """

    DEFAULT_CSS = """
    Field { height: auto; width: 100%; }
    Field > .field-row { height: 1; width: 100%; }
    Field > .field-row > .field-label { width: 15; padding-right: 1; text-wrap: nowrap; }
    Field:focus-within > .field-row > .field-label { text-style: bold; color: $accent; }
    Field > .field-said { height: auto; width: 100%; padding-left: 15; display: none; }
    Field.-said > .field-said { display: block; }
    Field Input { width: 1fr; background: $panel; padding: 0 1; }
    """

    class Changed(Message):
        """A person changed what is in it: `field.value`, or `field.fault` when it is no value.

        Whoever takes the value calls `field.heard()`: until then the field shows nothing else, as
        whatever it is shown was made of an older value.
        """

        def __init__(self, field: Field) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> Field:
            return self.field

    def __init__(
        self,
        key: str,
        label: str,
        about: str = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.key = key
        self.label = label
        self.about = about
        self.fault = ""
        """What is wrong with what is typed, so that it is no value at all."""
        self.findings: tuple[Finding, ...] = ()
        self._ready = False
        self._unheard = 0

    @property
    def value(self) -> object:
        raise NotImplementedError

    def editor(self) -> Widget:
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Horizontal(classes="field-row"):
            yield Static(Content(visible(self.label)), classes="field-label")
            yield self.editor()
        yield Static(classes="field-said")

    def on_mount(self) -> None:
        self._ready = True
        self._paint_said()

    @property
    def ascii_only(self) -> bool:
        return self.app.has_class("-ascii")

    @property
    def spoken(self) -> str:
        """What is said of it while it has the focus."""
        return self.about

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Those of the preflight, after that of the field itself."""
        if not self.fault:
            return self.findings
        own = Finding("bad-input", Severity.ERROR, self.fault, field=self.key)
        return (own, *self.findings)

    def set_findings(self, findings: Sequence[Finding]) -> None:
        """What was found about it; the same again paints nothing."""
        if tuple(findings) != self.findings:
            self.findings = tuple(findings)
            self._paint_said()

    def told(self, fault: str = "") -> None:
        """A person changed it."""
        if fault != self.fault:
            self.fault = fault
            self._paint_said()
        self._unheard += 1
        self.post_message(self.Changed(self))

    def heard(self) -> None:
        """What a person changed has been taken."""
        self._unheard = max(0, self._unheard - 1)

    @property
    def ahead(self) -> bool:
        """A person said something that nobody has taken yet."""
        return self._unheard > 0

    def focus_editor(self) -> bool:
        """Put the focus into it; False when it takes none at present."""
        inside = next((one for one in self.query("*") if one.focusable), None)
        if inside is not None:
            inside.focus()
        return inside is not None

    def _paint_said(self) -> None:
        if not self._ready:
            return
        # Notes are read at the field in focus, and in the review.
        found = [one for one in self.all_findings if one.severity is not Severity.NOTE]
        self.set_class(bool(found), "-said")
        lines = [finding_line(one, ascii_only=self.ascii_only) for one in found]
        self.query_one(".field-said", Static).update(Content("\n").join(lines))


class TextField(Field):
    """check: says what is wrong with a text, "" for nothing. "" is always good: the default."""

    def __init__(
        self,
        key: str,
        label: str,
        about: str = "",
        *,
        check: Callable[[str], str] | None = None,
        secret: bool = False,
        suggester: Suggester | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        super().__init__(key, label, about, id=id)
        self._check = check
        self._known = ""
        """What was typed, as far as it was told, or was shown."""
        self._entry = Input(compact=True, password=secret, suggester=suggester, max_length=_LONGEST)

    @property
    def value(self) -> str:
        return self._entry.value.strip()

    @property
    def text(self) -> str:
        """What is typed, as it is."""
        return self._entry.value

    def editor(self) -> Widget:
        return self._entry

    def show(self, value: str, default: str = "") -> None:
        """Show a value; what is typed stays where it means the same, or is no value yet."""
        self._entry.placeholder = visible(f"default: {default}" if default else "")
        if not self.fault and not self.ahead and self.value != value:
            self.put(value)

    @property
    def ahead(self) -> bool:
        return super().ahead or self._entry.value != self._known

    def put(self, text: str) -> None:
        """Have this text in it, without telling anybody."""
        with self._entry.prevent(Input.Changed):
            self._entry.value = text
        self._known = text
        if self.fault:
            self.fault = ""
            self._paint_said()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._entry.value:
            # More was typed meanwhile, and is told next.
            return
        self._known = event.value
        self.told(self.reason(self.value))

    def reason(self, text: str) -> str:
        """Why a text is no value, "" when it is one."""
        if len(self.text) >= _LONGEST:
            return f"at most {_LONGEST - 1} characters"
        return self._check(text) if text and self._check is not None else ""


class NumberField(TextField):
    """A whole number; 0 where nothing is said."""

    def __init__(
        self,
        key: str,
        label: str,
        about: str = "",
        *,
        low: int = 1,
        high: int = 2**31 - 1,
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        super().__init__(key, label, about, id=id)
        self._low, self._high = low, high

    @property
    def number(self) -> int:
        return 0 if self.fault or not self.value else self.parsed(self.value) or 0

    def parsed(self, text: str) -> int | None:
        """The number that a text means, None for none."""
        # int() takes digits of other scripts and underscores, which no tool after it does.
        if not text.isascii() or not text.removeprefix("-").isdigit():
            return None
        # So many digits are beyond all limits, and int() refuses thousands of them.
        return int(text[:20])

    def written(self, number: int) -> str:
        return str(number)

    def show_number(self, number: int, default: int = 0) -> None:
        """0: nothing said, nothing known."""
        self._entry.placeholder = f"default: {self.written(default)}" if default else ""
        if not self.fault and not self.ahead and self.number != number:
            self.put(self.written(number) if number else "")

    def reason(self, text: str) -> str:
        if not text:
            return ""
        number = self.parsed(text)
        if number is None:
            shown = text if len(text) <= 20 else f"{text[:20]}…"
            return f'"{visible(shown)}" is not {self.wanted}'
        if number < self._low:
            return f"at least {self.written(self._low)}"
        return f"at most {self.written(self._high)}" if number > self._high else ""

    @property
    def wanted(self) -> str:
        return "a whole number"


class SizeField(NumberField):
    """A size with its unit ("20G", "512 MiB"); a number alone is in `unit`. `number` is in bytes,
    or in KiB with kib=True."""

    def __init__(
        self,
        key: str,
        label: str,
        about: str = "",
        *,
        unit: str = "GiB",
        kib: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        super().__init__(key, label, about, high=2**63 - 1, id=id)
        self._unit = unit
        self._scale = 1024 if kib else 1

    def parsed(self, text: str) -> int | None:
        size = typed_size(text, self._unit)
        return None if size is None else size // self._scale

    def written(self, number: int) -> str:
        return write_size(number * self._scale)

    @property
    def wanted(self) -> str:
        return f"a size such as 20G or 512M (a number alone is in {self._unit})"


class SwitchField(Field):
    """yes or no; None where nothing is said. Space and the arrows turn it over."""

    def __init__(
        self,
        key: str,
        label: str,
        about: str = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        super().__init__(key, label, about, id=id)
        self._cycler = Cycler()
        self._value: bool | None = None
        self._default = False
        self._note = ""

    @property
    def value(self) -> bool | None:
        return self._value

    def editor(self) -> Widget:
        return self._cycler

    def show(self, value: bool | None, default: bool = False, note: str = "") -> None:
        """note: said behind it."""
        self._default, self._note = default, note
        if not self.ahead:
            self._value = value
        self._paint()

    def on_mount(self) -> None:
        self._paint()

    def _paint(self) -> None:
        on_now = self._default if self._value is None else self._value
        text = "[x] yes" if on_now else "[ ] no"
        parts = [(text, "bold"), (" default" if self._value is None else "", "$quiet")]
        if note := self._note or self.about:
            parts.append((f"  {visible(note)}", "$quiet"))
        self._cycler.set_content(Content.assemble(*parts))

    @on(Cycler.Turned)
    def _turned(self, event: Cycler.Turned) -> None:
        event.stop()
        shown = self._default if self._value is None else self._value
        self._value = None if event.by is None else not shown
        self._paint()
        self.told()
