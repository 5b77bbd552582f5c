"""What Ctrl-C means at each moment of a chat, and how text that comes in pieces becomes lines."""

from __future__ import annotations

import pytest

from freehold.cli.chat_state import ChatState, Press
from freehold.cli.live_text import LiveText
from freehold.wire.events import TurnFinished, TurnStarted

STARTED = TurnStarted(turn=1, text="go", by="person")
ENDED = TurnFinished(turn=1, stop_reason="end_turn")


def test_ctrl_c_interrupts_a_turn_then_ends_the_run_then_leaves() -> None:
    state = ChatState()
    state.see(STARTED)
    assert [state.press("draft") for _ in range(3)] == [Press.INTERRUPT, Press.KILL, Press.LEAVE]


def test_each_turn_is_interrupted_for_itself() -> None:
    state = ChatState()
    state.see(STARTED)
    assert state.press("") is Press.INTERRUPT
    state.see(ENDED)
    state.see(TurnStarted(turn=2, text="on", by="person"))
    assert state.press("") is Press.INTERRUPT


def test_what_was_said_and_not_begun_is_interrupted_too() -> None:
    state = ChatState()
    state.said(1)
    assert [state.press(""), state.press("")] == [Press.INTERRUPT, Press.KILL]


def test_between_turns_ctrl_c_forgets_what_was_typed_warns_and_finishes() -> None:
    state = ChatState()
    state.see(STARTED)
    state.see(ENDED)
    assert [state.press("draft"), state.press(""), state.press("")] == [Press.CLEAR, Press.WARN, Press.FINISH]
    assert [state.press(""), state.press("")] == [Press.KILL, Press.LEAVE]


def test_a_warning_does_not_last_beyond_the_next_press() -> None:
    state = ChatState()
    assert [state.press(""), state.press("draft"), state.press("")] == [Press.WARN, Press.CLEAR, Press.WARN]


@pytest.mark.parametrize(
    ("pieces", "lines", "rest"),
    [
        (["one", " two"], [], "one two"),
        (["one\ntw", "o\n"], ["one", "two"], ""),
        (["a" * 30], ["a" * 20], "  " + "a" * 10),
        (["  one two three four five six"], ["  one two three four"], "  five six"),
        (["  one two three four five six\n"], ["  one two three four", "  five six"], ""),
        (["\x1b[2m" + "x" * 40 + "\n"], ["\x1b[2m" + "x" * 40], ""),
        (["\n\n"], ["", ""], ""),
    ],
)
def test_text_in_pieces_becomes_lines(pieces: list[str], lines: list[str], rest: str) -> None:
    text = LiveText(20)
    assert [line for piece in pieces for line in text.add(piece)] == lines
    assert text.rest == rest
    assert text.finish() == ([rest] if rest else [])
