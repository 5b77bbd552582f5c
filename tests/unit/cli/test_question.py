"""What an answer to a permission request means, and which question stands."""

from __future__ import annotations

import pytest

from freehold.cli.question import Asking, option_meant, question_lines
from freehold.wire.events import PermissionAnswered, PermissionAsked, RunFinished
from freehold.wire.permission import PermissionOption
from freehold.wire.runs import Outcome, Result, Trigger
from tests.support.hostile import NASTY_LINES, drives_the_terminal

CLAUDE = [
    PermissionOption(id="allow_always", name="Always Allow", kind="allow_always"),
    PermissionOption(id="allow", name="Allow", kind="allow_once"),
    PermissionOption(id="reject", name="Reject", kind="reject_once"),
]
SWAPPED = [
    PermissionOption(id="2", name="Allow", kind="allow_once"),
    PermissionOption(id="1", name="Reject", kind="reject_once"),
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1\n", "allow_always"),
        (" 3 ", "reject"),
        ("0", None),
        ("4", None),
        ("allow", "allow"),
        ("ALLOW\n", "allow"),
        ("a", None),
        ("al", None),
        ("alw", "allow_always"),
        ("r", "reject"),
        ("y", "allow"),
        ("no", "reject"),
        ("", None),
        ("x", None),
        ("\x1b[A", None),
    ],
)
def test_an_answer_means_one_option(typed: str, meant: str | None) -> None:
    assert option_meant(typed, CLAUDE) == meant


def test_an_id_that_looks_like_a_number_takes_no_place() -> None:
    assert [option_meant(typed, SWAPPED) for typed in ("1", "2", "allow", "r")] == ["2", "1", "2", "1"]


def test_a_letter_that_several_allow_decides_nothing() -> None:
    twice = [PermissionOption(id=each, name=each, kind="allow_once") for each in ("go", "run")]
    assert option_meant("y", twice) is None


def test_options_are_shown_with_their_numbers_and_drive_nothing() -> None:
    options = [PermissionOption(id=NASTY_LINES, name=NASTY_LINES, kind="allow_once"), CLAUDE[2]]
    lines = question_lines(PermissionAsked(permission_id="p1", title=NASTY_LINES, options=options))
    assert len(lines) == 3
    assert lines[2] == "    2  Reject (reject)" or lines[2] == "    2  Reject"
    assert all("\n" not in line and not drives_the_terminal(line) for line in lines)


def asked(permission_id: str) -> PermissionAsked:
    return PermissionAsked(permission_id=permission_id, title="git push", options=CLAUDE)


def test_the_oldest_open_question_stands() -> None:
    asking = Asking()
    asking.see(asked("p1"))
    asking.see(asked("p2"))
    assert asking.current == asked("p1")
    asking.see(PermissionAnswered(permission_id="p1", option_id="", by="deadline"))
    assert asking.current == asked("p2")
    asking.see(RunFinished.of(Outcome(agent="dev", attempt=1, trigger=Trigger(), result=Result.KILLED)))
    assert asking.current is None
