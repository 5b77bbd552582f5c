"""Lines of the journal and states of units, as systemd writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from freehold.server.journal import journal_words, read_journal_line
from freehold.server.unit_state import read_unit_states

LINE = {
    "__CURSOR": "s=1;i=2", "__REALTIME_TIMESTAMP": "1763712000123456", "_SYSTEMD_UNIT": "freehold@shop.service",
    "PRIORITY": "3", "MESSAGE": "it failed",
}  # fmt: skip


def test_a_line() -> None:
    line = read_journal_line(json.dumps(LINE).encode())
    assert line is not None
    assert (line.cursor, line.unit, line.message, line.priority) == ("s=1;i=2", "freehold@shop.service", "it failed", 3)
    assert line.at == datetime(2025, 11, 21, 8, 0, 0, 123456, UTC)


def test_what_systemd_says_of_a_unit_is_the_units() -> None:
    line = read_journal_line(json.dumps({**LINE, "_SYSTEMD_UNIT": "init.scope", "UNIT": "freehold@a.service"}).encode())
    assert line is not None
    assert line.unit == "freehold@a.service"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ([104, 105, 255], "hi\N{REPLACEMENT CHARACTER}"),
        (None, "(a message that is too long to be shown)"),
        (["one", [116, 119, 111]], "one two"),
        ("a\x1b[2Jb", "a\x1b[2Jb"),
    ],
)
def test_messages_that_are_no_text(message: object, text: str) -> None:
    line = read_journal_line(json.dumps({**LINE, "MESSAGE": message}).encode())
    assert line is not None
    assert line.message == text


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"-- Boot 1 --", b"[]", b'{"__CURSOR": "x", "__REALTIME_TIMESTAMP": "soon"}', b"\xff",
     b'{"__CURSOR": "x", "__REALTIME_TIMESTAMP": "99999999999999999999999"}'],
)  # fmt: skip
def test_what_is_no_line(data: bytes) -> None:
    assert read_journal_line(data) is None


def test_the_words_that_read_on() -> None:
    assert journal_words(["a.service"], 5, follow=True)[-4:] == ("a.service", "-n", "5", "-f")
    assert journal_words(["a"], 5, follow=False, after="s=1;i=2")[-1] == "--after-cursor=s=1;i=2"


SHOWN = """\
Id=freehold@shop.service
LoadState=loaded
ActiveState=active
SubState=running
Result=success
NRestarts=0

Id=freehold-keeper@shop.service
LoadState=loaded
ActiveState=failed
SubState=failed
Result=oom-kill
NRestarts=1

Id=freehold@gone.service
LoadState=not-found
ActiveState=inactive
"""


def test_units_in_words() -> None:
    states = read_unit_states(SHOWN)
    assert {unit: state.words for unit, state in states.items()} == {
        "freehold@shop.service": "running",
        "freehold-keeper@shop.service": "failed (oom-kill), 1 restart",
    }
    assert read_unit_states("") == {}
