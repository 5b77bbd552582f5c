"""Events as a person reads them."""

from __future__ import annotations

import re

import pytest

from freehold.cli.event_view import EventView, printable, summary
from freehold.wire import events as wire
from freehold.wire.events import AnyEvent
from freehold.wire.runs import Outcome, Phase, Result, RunError, Trigger, Usage


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def shown(*events: AnyEvent, verbose: bool = False) -> str:
    view = EventView(verbose=verbose)
    return plain("".join(view.text(event) for event in events))


def test_a_message_in_pieces_reads_as_one_text() -> None:
    text = shown(
        wire.Message(text="Reading the "), wire.Message(text="history.\nNow"), wire.Message(text=" more."),
        wire.ToolStarted(tool_call_id="1", title="git log"),
    )  # fmt: skip
    assert text == "  Reading the history.\n  Now more.\n  $ git log\n"


def test_a_long_tool_output_is_cut_and_says_so() -> None:
    output = "\n".join(f"line {number}" for number in range(20))
    event = wire.ToolFinished(tool_call_id="1", status="completed", output=output)
    assert shown(event).splitlines()[-1] == "    … 12 more lines"
    assert shown(event, verbose=True).count("line") == 20


@pytest.mark.parametrize("nasty", ["\x1b[2Jgone", "a\x07b", "x\x9b31my", "\u202etxt.exe"])
def test_nothing_from_a_container_drives_the_terminal(nasty: str) -> None:
    assert all(character.isprintable() for character in printable(nasty))
    for event in (
        wire.Message(text=nasty), wire.Status(text=nasty), wire.Return(value=nasty),
        wire.Log(level="error", text=nasty),
        wire.ToolStarted(tool_call_id="1", title=nasty), wire.HookOutput(hook="pre 1", text=nasty),
        wire.ToolFinished(tool_call_id="1", status="failed", output=nasty),
        wire.Egress(host=nasty, port=443, allowed=False, reason="no"),
        wire.PermissionAsked(permission_id="1", title=nasty, options=[]),
        wire.BuildStep(image="i", text=nasty),
    ):  # fmt: skip
        text = shown(event)
        assert all(character.isprintable() or character == "\n" for character in text), event


def test_what_people_need_not_see_is_left_out() -> None:
    quiet: list[AnyEvent] = [
        wire.PhaseFinished(phase=Phase.IMAGE, duration_s=1.0),
        wire.Thought(text="hmm"),
        wire.Log(level="info", text="runner started"),
        wire.Egress(host="pypi.org", port=443, allowed=True),
    ]
    assert shown(*quiet) == ""
    assert "pypi.org" in shown(*quiet, verbose=True)


def test_the_summary_tells_result_reason_next_step_times_tokens_and_cost() -> None:
    outcome = Outcome(
        agent="dev", attempt=1, trigger=Trigger(), result=Result.ERROR, exit_code=137,
        error=RunError("out_of_memory", "the container ran out of memory", 'memory = "8g"'),
        phases_s={Phase.CONTAINER: 0.4, Phase.SESSION: 61.0},
        usage=Usage(input=1000, output=20, cache_read=500, requests=2), cost_usd=0.0123,
    )  # fmt: skip
    assert plain("\n".join(summary(outcome))).splitlines() == [
        "✗ error in 1 min 01 s",
        "  the container ran out of memory",
        '  → memory = "8g"',
        "  seconds: container 0.4 · session 61.0",
        "  tokens: 1,500 in (500 cached), 20 out, 2 requests · cost: $0.0123",
    ]


def test_an_unknown_price_is_not_zero() -> None:
    outcome = Outcome(agent="dev", attempt=1, trigger=Trigger(), result=Result.COMPLETED, cost_usd=None)
    assert "unknown" in plain("\n".join(summary(outcome)))
