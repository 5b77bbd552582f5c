"""Text of somebody else's, made harmless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.base.plain_text import clipped, one_line, printable, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with Ümläuts and 漢字 and 🐙", "plain, with Ümläuts and 漢字 and 🐙"),
        ("two\n\tlines", "two\n\tlines"),
        ("\x1b[2J\x1b]0;title\x07", "[2J]0;title"),
        ("C1: \x9b31m\x85", "C1: 31m"),
        ("bidi \u202egnp.exe\u2066", "bidi gnp.exe"),
        ("a\r\nb\rc", "a\nbc"),
        ("a\u00a0b\u2028c\u3000d", "a b c d"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half \ud800", "half "),
    ],
)
def test_what_is_left_of_it(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.characters()))
def test_no_text_drives_a_terminal(text: str) -> None:
    assert all(character.isprintable() or character in "\n\t" for character in printable(text))
    assert printable(printable(text)) == printable(text)
    assert one_line(text).isprintable()
    assert visible(text).isprintable()
    assert clipped(text, 10).isprintable()
    assert len(clipped(text, 10)) <= 12


def test_a_line_shows_where_lines_ended() -> None:
    assert one_line("a\nb\tc") == "a ⏎ b c"


@pytest.mark.parametrize(
    ("text", "shown"), [("123", "123"), ("1234", "123 …"), ("12\n4", "12 …"), ("1" * 10**6, "111 …")]
)
def test_what_is_long_is_cut(text: str, shown: str) -> None:
    assert clipped(text, 3) == shown


def test_what_must_be_seen_is_written_out() -> None:
    assert visible("\x1b[2J\n\u202e") == "\\x1b[2J\\n\\u202e"
