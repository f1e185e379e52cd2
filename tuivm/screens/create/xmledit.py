"""The definition's XML: highlighted, edited, checked, and its edit carried over to another one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Static, TextArea

from tuivm.model.findings import Finding, Severity
from tuivm.screens.create.fields import finding_line
from tuivm.screens.dialogs.base import Dialog, Keys, button, plain

_TOKEN = re.compile(
    r"(?P<comment><!--.*?(?:-->|$))|(?P<tag></?[\w:.-]+|/?>)"
    r"|(?P<name>[\w:.-]+)(?==)|(?P<value>\"[^\"]*\"|'[^']*')"
)


class Edit(NamedTuple):
    """base: the XML as it was made; xml: what a person made of it. The same: nothing edited."""

    base: str
    xml: str


class XmlArea(TextArea):
    """Colours by a line's own text; tree-sitter, which Textual would ask, is not always there."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "xmlarea--tag",
        "xmlarea--name",
        "xmlarea--value",
        "xmlarea--comment",
    }
    DEFAULT_CSS = """
    XmlArea { border: none; padding: 0; height: 1fr; background: $surface; }
    XmlArea:focus { border: none; }
    XmlArea > .xmlarea--tag { color: $primary; }
    XmlArea > .xmlarea--name { color: $accent; }
    XmlArea > .xmlarea--value { color: $success; }
    XmlArea > .xmlarea--comment { color: $quiet; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # Tab leaves it: all else on the screen has to be reached too.
        Binding("ctrl+t", "screen.check", "Check", show=False),
    ]

    def __init__(self, xml: str) -> None:
        super().__init__(xml, soft_wrap=False, show_line_numbers=True, tab_behavior="focus")

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        for match in _TOKEN.finditer(line.plain):
            style = self.get_component_rich_style(f"xmlarea--{match.lastgroup}", partial=True)
            line.stylize(style, match.start(), match.end())
        return line


class EditXml(Dialog[Edit]):
    """Answers the edited XML. validate: what libvirt's schema says of one. stale: the edit was made
    of another XML than the steps make now."""

    DEFAULT_CSS = """
    EditXml #dialog { width: 100%; height: 100%; }
    EditXml #dialog Body { height: 1fr; overflow: hidden; }
    EditXml #found { height: auto; max-height: 6; }
    EditXml #diff { height: 1fr; display: none; overflow-y: auto; }
    EditXml.-diff #diff { display: block; }
    EditXml.-diff XmlArea { display: none; }
    """
    AUTO_FOCUS = "XmlArea"
    note_rows = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "check", "Check", show=False),
        Binding("f4", "diff", "Diff", show=False),
        Binding("down", "nothing", "Down", show=False),
        Binding("up", "nothing", "Up", show=False),
    ]

    def __init__(
        self,
        edit: Edit,
        validate: Callable[[str], Awaitable[tuple[Finding, ...]]],
        *,
        stale: bool = False,
    ) -> None:
        super().__init__()
        self._edit = edit
        self._validate = validate
        self._stale = stale
        self._found: tuple[Finding, ...] = ()

    @property
    def title_text(self) -> str:
        return "The definition, as libvirt will get it"

    @property
    def keys(self) -> Keys:
        return (
            ("Tab", "buttons"),
            ("^t", "check"),
            ("F4", "what was changed"),
            ("^z", "undo"),
            ("Esc", "leave it as it was"),
        )

    def body(self) -> ComposeResult:
        yield XmlArea(self._edit.xml)
        yield Static(id="diff")
        yield Static(id="found")

    def buttons(self) -> Iterable[Button]:
        return (
            button("As it was made", "reset"),
            button("Check", "check"),
            button("Take it", "take"),
        )

    def on_mount(self) -> None:
        if self._stale:
            self.note("The steps make another XML now: take this one, or the one as it was made.")
        self.action_check()

    @property
    def xml(self) -> str:
        return self.query_one(XmlArea).text

    def action_nothing(self) -> None:
        """The arrows are the text's."""

    def action_check(self) -> None:
        self.run_worker(self._check(), group="check", exclusive=True)

    async def _check(self) -> bool:
        """Whether it may be taken."""
        asked = self.xml
        found = await self._validate(asked)
        if asked != self.xml or not self.is_attached:
            return False
        self._found = found
        lines = [finding_line(one, ascii_only=self.ascii_only, whole=True) for one in found]
        if not lines:
            lines = [Content.styled("libvirt's schema accepts it.", "$success")]
        self.query_one("#found", Static).update(Content("\n").join(lines))
        return not any(one.severity is Severity.ERROR for one in found)

    def action_diff(self) -> None:
        lines = list(changes(self._edit.base, self.xml))
        shown = [plain(line, _STYLES.get(line[:1], "")) for line in lines]
        none = plain("Nothing was changed.", "$text-muted")
        self.query_one("#diff", Static).update(Content("\n").join(shown or [none]))
        self.toggle_class("-diff")
        (self.query_one("#take") if self.has_class("-diff") else self.query_one(XmlArea)).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "reset":
            self.query_one(XmlArea).load_text(self._edit.base)
            self.action_check()
        elif event.button.id == "check":
            self.action_check()
        else:
            self.run_worker(self._take(), group="check", exclusive=True)

    async def _take(self) -> None:
        if await self._check():
            self.dismiss(Edit(self._edit.base, self.xml))
        else:
            self.note("Not yet: libvirt would refuse it.")


_STYLES = {"+": "$success", "-": "$error", "@": "$text-muted"}


def changes(before: str, after: str) -> list[str]:
    """Lines of a unified diff, without the names of files."""
    made = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")
    return list(made)[2:]


def carried_over(edit: Edit, other: str) -> str | None:
    """Another XML with the same lines changed: of the first start, which differs from the one that
    stays in a few lines. None where a changed line is not in it, or not in one place."""
    before, after, lines = edit.base.splitlines(), edit.xml.splitlines(), other.splitlines()
    place = _places(before, lines)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changed = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    for _, first, last, begin, end in reversed(changed):
        if first == last:
            # Pure insertion: behind the line before it, or else in front of the one after it.
            at = place.get(first - 1)
            at = at + 1 if at is not None else place.get(first)
            if at is None:
                return None
            lines[at:at] = after[begin:end]
            continue
        there = [place.get(row) for row in range(first, last)]
        if there[0] is None or there != list(range(there[0], there[0] + len(there))):
            return None
        lines[there[0] : there[0] + len(there)] = after[begin:end]
    return "\n".join(lines) + "\n"


def _places(before: list[str], other: list[str]) -> dict[int, int]:
    """Where each line of one document is in the other."""
    matcher = difflib.SequenceMatcher(None, before, other, autojunk=False)
    return {
        block.a + step: block.b + step
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    }
