"""The configuration file: read without ever failing, written without losing anything."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm import config
from tuivm.commands import COMMANDS
from tuivm.config import Config, ConfigError, load
from tuivm.configfile import add_host, remove_host, set_value
from tuivm.keymap import resolve
from tuivm.model.columns import COLUMNS
from tuivm.model.hosts import HostSpec

FULL = """\
# mine
theme = "light"  # easier in the sun
ascii = true
slow = true
interval = 2
columns = ["name", "cpu"]
sort = "-cpu"
group_by_host = true
chart_window = 600

# the fast one
[[host]]
name = "local"
uri = "qemu:///system"

[[host]]
name = "rack7"   # behind the VPN
uri = "qemu+ssh://root@rack7/system"
readonly = true
interval = 5.0

[keys]
start = "f5"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FULL)
    return path


def read(
    tmp_path: Path, text: str, columns: tuple[str, ...] = (), themes: tuple[str, ...] = ()
) -> tuple[Config, tuple[str, ...]]:
    path = tmp_path / "config.toml"
    path.write_text(text)
    loaded = load(path, columns=columns, themes=themes)
    return loaded.config, loaded.problems


def test_everything_is_read(file: Path) -> None:
    loaded = load(file, columns=("name", "cpu"), themes=("light", "dark"))
    assert loaded.problems == ()
    assert loaded.path == file
    assert loaded.config == Config(
        hosts=(
            HostSpec("local", "qemu:///system", False, 2.0),
            HostSpec("rack7", "qemu+ssh://root@rack7/system", True, 5.0),
        ),
        theme="light",
        ascii=True,
        slow=True,
        interval=2.0,
        columns=("name", "cpu"),
        sort="-cpu",
        group_by_host=True,
        chart_window=600.0,
        keys={"start": "f5"},
    )


def test_no_file_is_no_problem_unless_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    loaded = load()
    assert loaded.config == Config()
    assert loaded.problems == ()
    assert loaded.path == tmp_path / "tuivm" / "config.toml"
    named = load(tmp_path / "other.toml")
    assert named.config == Config()
    assert "other.toml" in named.problems[0]


def test_default_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "tuivm").mkdir()
    (tmp_path / "tuivm" / "config.toml").write_text('theme = "ansi"')
    assert load().config.theme == "ansi"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme = 3", "theme: must be a string"),
        ('theme = "drak"', 'theme: "drak" is not known, did you mean "dark"?; allowed are dark'),
        ("ascii = 1", "ascii: must be true or false, not 1"),
        ('slow = "yes"', "slow: must be true or false"),
        ("interval = 0", "interval: must be a number of seconds from 0.2 to 3600, not 0"),
        ("interval = true", "interval: must be a number"),
        ("interval = nan", "interval: must be a number"),
        ("interval = inf", "interval: must be a number"),
        ("chart_window = 1", "chart_window: must be a number of seconds from 30 to 86400"),
        ('columns = "name"', "columns: must be a list"),
        ("columns = [1]", "columns: must be a string"),
        ('columns = ["nmae"]', 'did you mean "name"?'),
        ('columns = ["name", "name"]', "columns: names a column twice"),
        ('sort = "-nmae"', 'sort: "nmae" is not known'),
        ('thme = "dark"', 'thme: is not known, did you mean "theme"?'),
        ("host = 1", "host: must be tables"),
        ("host = [1]", "host: must be tables"),
        ("[host]\nuri = 'x'", "host: must be tables"),
        ("keys = 1", "keys: must be a table"),
        ("[keys]\nstart = 1", "keys.start: must be a string"),
        ("[[host]]\nname = 'a'", 'host 1 "a": uri: is missing; the host is left out'),
        ("[[host]]\nuri = ''", "host 1: uri: must be a string"),
        ("[[host]]\nuri = 'qemu:// /system'", "host 1: uri: it holds a blank"),
        ("[[host]]\nuri = 'qemu+tcp://a:b@c/system'", "host 1: uri: must not hold a password"),
        (
            "[[host]]\nuri = '://system'",
            "host 1: uri: it does not include a driver name; write qemu",
        ),
        (
            "[[host]]\nname = 'rack7'\nuri = 'nonsense'",
            'host 1 "rack7": uri: it does not include a driver name; write qemu',
        ),
        (
            "[[host]]\nuri = 'rack\\u0007'".replace("'", '"'),
            "host 1: uri: it holds a blank or a con",
        ),
        ("[[host]]\nuri='a:///'\nname='x\\u0007'".replace("'", '"'), "host 1: name: must be print"),
        ("[[host]]\nuri = 'qemu://system'", "three slashes for this machine: qemu:///system"),
        ("[[host]]\nuri='a:///'\nreadonly='yes'", "host 1: readonly: must be true or false"),
    ],
)
def test_a_bad_value_is_said_and_skipped(tmp_path: Path, text: str, said: str) -> None:
    found, problems = read(tmp_path, text, columns=("name", "cpu"), themes=("dark", "light"))
    assert found == Config()
    assert len(problems) == 1, problems
    assert problems[0].startswith(str(tmp_path / "config.toml"))
    assert said in problems[0]


def test_one_bad_value_spoils_nothing_else(tmp_path: Path) -> None:
    text = FULL.replace("ascii = true", "ascii = 7").replace("interval = 5.0", "interval = -5")
    found, problems = read(tmp_path, text)
    assert len(problems) == 2
    assert found.theme == "light"
    assert [host.name for host in found.hosts] == ["local", "rack7"]
    assert found.hosts[1].interval == 2.0


def test_second_host_of_a_name_is_left_out(tmp_path: Path) -> None:
    found, problems = read(
        tmp_path, "[[host]]\nname='a'\nuri='qemu:///system'\n[[host]]\nname='a'\nuri='xen:///'\n"
    )
    assert [host.uri for host in found.hosts] == ["qemu:///system"]
    assert 'host 2 "a": name: there is a host "a" already' in problems[0]


def test_a_uri_may_be_an_alias_that_libvirt_conf_has(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[[host]]\nuri="hail"\n[[host]]\nname="b"\nuri="sleet"\n[[host]]\nuri="bad"')
    found = load(path, aliases={"hail": "qemu+ssh://h/system", "bad": "nonsense"})
    # Resolved: what goes through ssh has to be seen to, so that it does not ask.
    assert found.config.hosts == (HostSpec("hail", "qemu+ssh://h/system"),)
    assert [problem.split(": ")[1:3] for problem in found.problems] == [
        ['host 2 "b"', "uri"],
        ["host 3", "uri"],
    ]


def test_a_host_without_a_name_is_called_as_on_the_command_line(tmp_path: Path) -> None:
    found, problems = read(tmp_path, "[[host]]\nuri='qemu:///system'\nuir='x'")
    assert found.hosts[0] == HostSpec("local", "qemu:///system")
    assert 'host 1: uir: is not known, did you mean "uri"?' in problems[0]


@pytest.mark.parametrize("content", [b"theme = ", b"\xff\xfe", b"a = 1\na = 2", b"\x00"])
def test_a_broken_file_is_said_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    loaded = load(path)
    assert loaded.config == Config()
    assert len(loaded.problems) == 1
    with pytest.raises(ConfigError, match="left alone"):
        add_host(path, HostSpec("a", "qemu:///system"))
    assert path.read_bytes() == content


def test_a_directory_is_said(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert "cannot be read" in loaded.problems[0]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["theme", "ascii", "interval", "columns", "sort", "host", "keys", "x"]),
        json_like
        | st.lists(st.dictionaries(st.sampled_from(["name", "uri", "interval"]), json_like)),
    )
)
def test_reading_never_raises(table: dict[str, object]) -> None:
    faults: list[str] = []
    found = config._read(table, ("name",), ("dark",), faults)
    assert isinstance(found, Config)
    assert len({host.name for host in found.hosts}) == len(found.hosts)


def test_adding_and_removing_keeps_every_other_byte(file: Path) -> None:
    add_host(file, HostSpec("lab2", "qemu+tls://lab2/system", readonly=True, interval=3.0))
    text = file.read_text()
    assert tomllib.loads(text)["host"][2] == {
        "name": "lab2",
        "uri": "qemu+tls://lab2/system",
        "readonly": True,
        "interval": 3.0,
    }
    for line in FULL.splitlines():
        assert line in text
    assert load(file).config.hosts[2] == HostSpec("lab2", "qemu+tls://lab2/system", True, 3.0)
    remove_host(file, "lab2")
    assert tomllib.loads(file.read_text()) == tomllib.loads(FULL)
    remove_host(file, "local")
    remove_host(file, "rack7")
    loaded = load(file)
    assert loaded.config.hosts == ()
    assert loaded.problems == ()
    assert "# easier in the sun" in file.read_text()
    add_host(file, HostSpec("a", "qemu:///system"))
    assert [host.name for host in load(file).config.hosts] == ["a"]
    assert load(file).config.keys == {"start": "f5"}


def test_set_value_keeps_comments(file: Path) -> None:
    set_value(file, "theme", "dark")
    set_value(file, "columns", ("name", "memory"))
    set_value(file, "keys.stop", "f6")
    set_value(file, "chart_window", 60.0)
    text = file.read_text()
    assert 'theme = "dark"  # easier in the sun' in text
    loaded = load(file)
    assert loaded.problems == ()
    assert loaded.config.columns == ("name", "memory")
    assert loaded.config.keys == {"start": "f5", "stop": "f6"}
    assert loaded.config.chart_window == 60.0
    assert len(loaded.config.hosts) == 2


def test_command_ids_with_dots_may_be_quoted_or_not(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[keys]\nguest.start = "f5"\n"guest.reset" = "f6"\nguest.save = 3\n')
    loaded = load(path)
    assert loaded.config.keys == {"guest.start": "f5", "guest.reset": "f6"}
    assert "keys.guest.save: must be a string" in loaded.problems[0]
    set_value(path, "keys.guest.start", "f7")
    set_value(path, "keys.guest.reset", "f8")
    set_value(path, "keys.guest.save", "f9")
    set_value(path, "keys.host.add", "f10")
    loaded = load(path)
    assert loaded.problems == ()
    assert loaded.config.keys == {
        "guest.start": "f7",
        "guest.reset": "f8",
        "guest.save": "f9",
        "host.add": "f10",
    }


def test_new_top_level_key_lands_before_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[[host]]\nname = "a"\nuri = "qemu:///system"\n[keys]\nstart = "f5"\n')
    set_value(path, "theme", "light")
    loaded = load(path)
    assert loaded.problems == ()
    assert loaded.config.theme == "light"
    assert loaded.config.hosts == (HostSpec("a", "qemu:///system"),)


@pytest.mark.parametrize(
    ("key", "value"), [("interval", 0.0), ("theem", "dark"), ("ascii", "yes"), ("colours.x", "y")]
)
def test_what_could_not_be_read_again_is_not_written(
    file: Path, key: str, value: str | float
) -> None:
    with pytest.raises(ConfigError, match=key.partition(".")[0]):
        set_value(file, key, value)
    assert file.read_text() == FULL


def test_refused_hosts(file: Path) -> None:
    with pytest.raises(ConfigError, match="already"):
        add_host(file, HostSpec("local", "xen:///"))
    with pytest.raises(ConfigError, match="password"):
        add_host(file, HostSpec("new", "qemu+tcp://me:secret@host/system"))
    with pytest.raises(ConfigError, match="no host"):
        remove_host(file, "nobody")
    assert file.read_text() == FULL


def test_hosts_written_inline_are_not_torn_apart(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    text = 'host = [{name = "a", uri = "qemu:///system"}]\n'
    path.write_text(text)
    assert load(path).config.hosts[0].name == "a"
    with pytest.raises(ConfigError, match=r"\[\[host\]\]"):
        add_host(path, HostSpec("b", "xen:///"))
    assert path.read_text() == text


def test_directories_are_made_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "config.toml"
    add_host(path, HostSpec("a", "qemu:///system"))
    assert load(path).config.hosts == (HostSpec("a", "qemu:///system"),)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_mode_link_and_line_ends_stay(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "tuivm.toml"
    real.write_bytes(b'# one\r\ntheme = "light"\r\n')
    real.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    set_value(link, "theme", "dark")
    assert link.is_symlink()
    assert real.read_bytes() == b'# one\r\ntheme = "dark"\r\n'
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [path.name for path in real.parent.iterdir()] == ["tuivm.toml"]


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        set_value(file, "theme", "dark")
    assert file.read_text() == FULL
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_the_documented_example_is_right(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    example = page.read_text().split("```toml\n")[1].split("```")[0]
    known = tuple(column.id for column in COLUMNS)
    found, problems = read(tmp_path, example, columns=known, themes=("dark",))
    assert problems == ()
    assert [host.name for host in found.hosts] == ["local", "rack7"]
    commands = {command.id: command.keys for command in COMMANDS}
    places = {command.id: command.places for command in COMMANDS}
    assert resolve(commands, found.keys, places).problems == ()
