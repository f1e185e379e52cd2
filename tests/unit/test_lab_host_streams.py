"""What comes over the line of a lab guest, and from its console."""

from __future__ import annotations

import json
import threading

import pytest

from tuivm.hypervisor.labstream import LONGEST, TAIL, Console, Messages, encode
from tuivm.lab.ports import LabError


def test_messages_come_whole_out_of_any_pieces() -> None:
    messages = Messages()
    sent = [{"n": number, "text": "ä\n" * number} for number in range(20)]
    wire = b"".join(json.dumps(one).encode() + b"\n" for one in sent)
    for start in range(0, len(wire), 7):
        messages.feed(wire[start : start + 7])
    assert [messages.take(0) for _ in sent] == sent
    assert messages.take(0) is None


def test_a_message_that_comes_later_is_waited_for() -> None:
    messages = Messages()
    threading.Thread(target=messages.feed, args=(b'{"a":1}\n',)).start()
    assert messages.take(60) == {"a": 1}


def test_the_end_is_told_after_what_came_before_it() -> None:
    messages = Messages()
    messages.feed(b'{"a":1}\nhalf a li')
    assert messages.ended is None
    messages.end("first")
    messages.end("second")
    messages.feed(b"ne\n")
    assert messages.take(60) == {"a": 1}
    assert messages.take(60) is None
    assert messages.ended == "first"


def test_an_end_wakes_who_waits() -> None:
    messages = Messages()
    threading.Thread(target=messages.end, args=("over",)).start()
    assert messages.take(60) is None
    assert messages.ended == "over"


def test_empty_lines_are_passed_over() -> None:
    messages = Messages()
    messages.feed(b"\n \r\n{}\r\n")
    assert messages.take(0) == {}


@pytest.mark.parametrize("line", [b"no", b"{", b"\xff\xfe", b"[" * 100_000, b"[1]", b'"a"', b"1"])
def test_nonsense_is_an_error_once(line: bytes) -> None:
    messages = Messages()
    messages.feed(line + b"\n{}\n")
    with pytest.raises(LabError, match="the appliance sent"):
        messages.take(0)
    assert messages.take(0) == {}


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_too_long_ends_it(end: bytes) -> None:
    messages = Messages()
    messages.feed(b"x" * LONGEST)
    assert messages.ended is None
    messages.feed(b"x" + end)
    assert messages.ended == "it sent more than can be taken"


def test_a_flood_that_nobody_takes_ends_it() -> None:
    messages = Messages()
    for _ in range(64):
        messages.feed(b"1" * LONGEST + b"\n")
    assert messages.ended is None
    messages.feed(b"1\n")
    assert messages.ended is not None


def test_encode() -> None:
    assert encode({"do": "stop", "id": 1}) == b'{"do":"stop","id":1}\n'
    with pytest.raises(LabError, match="1 MB"):
        encode({"text": "x" * LONGEST})


def test_the_console_keeps_its_last_lines() -> None:
    console = Console()
    console.feed(b"".join(b"line %d\r\n\r\n" % number for number in range(100)) + b"half")
    assert console.tail[-2:] == ("line 99", "half")
    assert len(console.tail) <= TAIL
    console.feed(b" and whole\n\xff")
    assert console.tail[-2:] == ("half and whole", "�")
