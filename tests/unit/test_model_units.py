"""Numbers as people read them, and untrusted text on one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.units import byte_count, count, duration, kib, nanoseconds, percent, visible


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0, "0"),
        (1, "1"),
        (999, "999"),
        (1000, "1.0K"),
        (1536, "1.5K"),
        (10188, "9.9K"),
        (10189, "10K"),
        (1023 * 1024, "1.0M"),
        (5 * 1024**3, "5.0G"),
        (2000 * 1024**5, "2000P"),
    ],
)
def test_byte_count(value: float | None, shown: str) -> None:
    assert byte_count(value) == shown


def test_kib_is_what_libvirt_gives_for_memory() -> None:
    assert kib(2097152) == "2.0G"
    assert kib(None, missing="not reported") == "not reported"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0, "0.0"), (34.14, "34.1"), (99.94, "99.9"), (99.96, "100"), (812.4, "812")],
)
def test_percent(value: float | None, shown: str) -> None:
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0, "0"),
        (0.5, "0.5"),
        (7, "7"),
        (9.96, "10"),
        (999.4, "999"),
        (999.6, "1.0k"),
        (12345.6, "12.3k"),
        (99_600, "100k"),
        (1_500_000, "1.5M"),
    ],
)
def test_count(value: float | None, shown: str) -> None:
    assert count(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (-3, "0s"),
        (0.9, "0s"),
        (59.9, "59s"),
        (60, "1m 0s"),
        (125, "2m 5s"),
        (3599, "59m 59s"),
        (3600, "1h 0m"),
        (93784, "1d 2h"),
    ],
)
def test_duration(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0, "0ns"),
        (999, "999ns"),
        (1234567, "1.23ms"),
        (45_600, "45.6µs"),
        (2e9, "2s"),
        (2e12, "2000s"),
    ],
)
def test_nanoseconds(value: float | None, shown: str) -> None:
    assert nanoseconds(value) == shown


@given(st.floats(0, 999 * 1024.0**5))
def test_sizes_take_at_most_four_columns(value: float) -> None:
    assert len(byte_count(value)) <= 4


@given(st.floats(0, 9e11))
def test_counts_take_at_most_five_columns(value: float) -> None:
    assert len(count(value)) <= 5


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_longer_time_never_reads_shorter(one: float, other: float) -> None:
    def seconds(text: str) -> int:
        sizes = {"d": 86400, "h": 3600, "m": 60, "s": 1}
        return sum(int(part[:-1]) * sizes[part[-1]] for part in text.split())

    low, high = sorted((one, other))
    assert seconds(duration(low)) <= seconds(duration(high))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web-1", "web-1"),
        ("größe ☃ 日本", "größe ☃ 日本"),
        ("[b]x[/b]", "[b]x[/b]"),
        ("a\x1b[2Jb", "a␛[2Jb"),
        ("a\tb\nc\r", "a␉b␊c␍"),
        ("\x00\x7f", "␀␡"),
        ("a\x9bb", "a�b"),
        ("a\u2028b", "a�b"),
        ("\ud800", "�"),
        ("\u202egpj.exe", "⁞gpj.exe"),
        ("web\u200b", "web⁞"),
        ("soft\u00adhyphen", "soft⁞hyphen"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Cs", "Lu", "Nd"])))
def test_nothing_that_steers_a_terminal_gets_through(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert all(char.isprintable() or char in "\u200c\u200d" for char in shown)
    assert visible(shown) == shown
