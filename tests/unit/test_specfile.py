"""A spec as a TOML file: round trip, errors with key and line, and every example of the docs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuivm import tomltable
from tuivm.model.spec import Disk, FileRef, NewVolume, Nic, Preset, SourceKind, Spec
from tuivm.specfile import SpecError, dump, load
from tuivm.tomltable import Table, line_of, parse_size, write_size

SPECS = Path(__file__).parents[2] / "docs/specs"
EXAMPLES = sorted(SPECS.glob("*.toml"))
SOURCE = '[source]\nkind = "empty"\n'

naturals = st.integers(0, 2**62)


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type. A number in a spec is never negative, which types do not say."""
    if kind is int:
        return naturals
    if kind is str:
        return st.text() | st.text("ab \n\r\t\"'\\#[]={}\0\x7f\u2028é")
    if get_origin(kind) is tuple:
        return st.lists(of(get_args(kind)[0]), max_size=3).map(tuple)
    if isinstance(kind, UnionType):
        return st.one_of([of(one) for one in get_args(kind)])
    if fields := getattr(kind, "_fields", ()):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field: of(hints[field]) for field in fields})
    return st.from_type(kind)


specs = of(Spec)


@settings(deadline=None)
@given(of(str))
def test_text_of_any_kind_comes_back(text: str) -> None:
    assert load(dump(Spec(description=text))).description == text


@settings(deadline=None)
@given(specs)
def test_round_trip(spec: Spec) -> None:
    assert load(dump(spec)) == spec


def test_only_what_is_not_default_is_written() -> None:
    assert dump(Spec()) == SOURCE
    spec = Spec(name="web", memory_kib=2 * 1024 * 1024, disks=(), nics=(Nic(),))
    assert dump(spec) == (
        'disk = []\n\n[guest]\nname = "web"\nmemory = "2 GiB"\n\n' + SOURCE + "\n[[nic]]\n"
    )


def test_no_disks_is_not_the_default_disks() -> None:
    assert load(SOURCE).disks is None
    assert load("disk = []\n" + SOURCE).disks == ()
    assert load(SOURCE + "[[disk]]\nnew = {}\n").disks == (Disk(new=NewVolume()),)


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[guest]\nname = ", 2, "", "is not valid TOML"),
        ('[guest]\nname = "a', 2, "", "is not valid TOML"),
        ('[guest]\nname = "a"\nname = "b"\n', 3, "", "is not valid TOML"),
        ("", 0, "source", '"kind" is missing'),
        ("\n[source]\n", 2, "source", '"kind" is missing'),
        ('[source]\nkind = "isso"\n', 2, "source.kind", 'did you mean "iso"?'),
        ('[source]\nkind = ""\n', 2, "source.kind", '"iso", "import"'),
        (f'{SOURCE}\n[gues]\nname = "a"\n', 4, "gues", 'did you mean "guest"?'),
        (f"{SOURCE}[guest]\n\n# x\nvcpu = 1\n", 6, "guest.vcpu", 'did you mean "vcpus"?'),
        (f"{SOURCE}[guest]\nvcpus = -1\n", 4, "guest.vcpus", "from 0 up, not -1"),
        (f"{SOURCE}[guest]\nvcpus = true\n", 4, "guest.vcpus", "from 0 up"),
        (f"{SOURCE}[guest]\nvcpus = 1.0\n", 4, "guest.vcpus", "from 0 up"),
        (f"{SOURCE}[guest]\nmemory = 2048\n", 4, "guest.memory", 'such as "2 GiB", not 2048'),
        (f'{SOURCE}[guest]\nmemory = "-1 GiB"\n', 4, "guest.memory", "must be a size"),
        (f'{SOURCE}[guest]\nmemory = "512 B"\n', 4, "guest.memory", "whole KiB"),
        (f"{SOURCE}[guest]\nname = 5\n", 4, "guest.name", "text in quotes, not 5"),
        (f'{SOURCE}[guest]\nautostart = "yes"\n', 4, "guest.autostart", "true or false"),
        (f"{SOURCE}machine.cpu.model = 1\n", 3, "source.machine", "is not known"),
        (f"guest = 1\n{SOURCE}", 1, "guest", "must be a table"),
        (f"disk = {{}}\n{SOURCE}", 1, "disk", "begun with [[disk]]"),
        (f"{SOURCE}[[disk]]\n[[disk]]\nbuss = 'x'\n", 5, "disk.1.buss", 'did you mean "bus"?'),
        (f"{SOURCE}[[disk]]\n[disk.new]\nsize = 1\n", 5, "disk.0.new.size", "must be a size"),
        (f"{SOURCE}[[disk]]\nnew = {{ size = 1 }}\n", 4, "disk.0.new.size", "must be a size"),
        (f"{SOURCE}[machine]\npins = [\n  '1',\n  2,\n]\n", 4, "machine.pins", "list of texts"),
        (f"{SOURCE}[[nic]]\n[[nic]]\n[[nic.forwards]]\nhost_port = 1\n", 5, "nic.1.forwards.0", ""),
        (f"{SOURCE}[[passthrough]]\ndevice = 'a'\n", 3, "passthrough.0", '"kind" is missing'),
        (
            f'{SOURCE}cloud.user_data = """\n[guest]\nvcpus = 1\n"""\n\n[guest]\nvcpus = ""',
            9,
            "guest.vcpus",
            "from 0 up",
        ),
        ("a=" + "[" * 5000, 0, "", "nested too deeply"),
    ],
)
def test_an_error_names_line_and_key(text: str, line: int, key: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(text)
    assert (caught.value.line, caught.value.key) == (line, key)
    assert words in caught.value.what
    assert str(caught.value).startswith(f"line {line}: " if line else caught.value.key)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20 GiB", 20 * 2**30),
        ("20G", 20 * 2**30),
        ("1.5 GiB", 3 * 2**29),
        ("500 MB", 500_000_000),
        ("1 kB", 1000),
        (" 7 ", 7),
        ("0 B", 0),
        ("0.3 B", None),
        ("20 gib", None),
        ("", None),
        ("GiB", None),
        ("1e3 B", None),
        ("-1", None),
        ("٣ GiB", None),
        ("9" * 5000, None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    assert parse_size(text) == size


@settings(deadline=None)
@given(naturals)
def test_a_written_size_is_read_back(size: int) -> None:
    assert parse_size(write_size(size)) == size


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [deep for key, one in value.items() for deep in _paths(one, (*path, key))] or [path]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [deep for n, one in enumerate(value) for deep in _paths(one, (*path, n))]
    return [path]


@settings(deadline=None)
@given(specs)
def test_every_value_has_a_line_that_has_its_key(spec: Spec) -> None:
    text = dump(spec)
    for path in _paths(tomllib.loads(text)):
        named = [part for part in path if isinstance(part, str)]
        assert named[-1] in text.split("\n")[line_of(text, path) - 1]


def test_there_is_an_example_of_every_source_and_of_what_is_special() -> None:
    loaded = {path.stem: load(path.read_text(encoding="utf-8")) for path in EXAMPLES}
    assert {spec.source.kind for spec in loaded.values()} == set(SourceKind)
    assert {kind.value for kind in SourceKind} <= loaded.keys()
    assert loaded["nested"].machine.nested
    assert loaded["passthrough"].passed
    assert loaded["one-of-each"].preset is Preset.ONE_OF_EACH
    assert loaded["import"].source.file != FileRef()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_read_named_after_itself_and_says_nothing_twice(path: Path) -> None:
    spec = load(path.read_text(encoding="utf-8"))
    assert spec.name
    assert tomllib.loads(dump(spec)) == tomllib.loads(path.read_text(encoding="utf-8"))


class Noted(Table):
    """Notes every key that the reader asks for."""

    keys: ClassVar[set[str]] = set()

    def _take(self, key: str, default: Any) -> Any:
        self.keys.add(key)
        return super()._take(key, default)


def test_the_page_documents_every_key_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuivm.tomltable.Table", Noted)
    monkeypatch.setattr("tuivm.specfile.document", tomltable.document)
    load(
        SOURCE
        + "[[machine.numa]]\n[[disk]]\n[[nic]]\nforwards = [{host_port = 1, guest_port = 2}]\n"
        "[[passthrough]]\nkind = 'pci'\n"
    )
    page = (SPECS / "README.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE)
    documented = {key for cell in cells for key in re.findall(r"`([a-z_]+)`", cell)}
    tables = set(re.findall(r"^#+ `\[+([a-z]+)\]+`", page, re.MULTILINE))
    assert documented | tables == Noted.keys
