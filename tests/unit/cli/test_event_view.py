"""Events as a person reads them."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from freehold.cli.event_view import EventView, summary
from freehold.wire import events as wire
from freehold.wire.events import AnyEvent
from freehold.wire.runs import Outcome, Phase, Result, RunError, Trigger, Usage
from tests.support.hostile import EVENT_TYPES, NASTY_LINES, drives_the_terminal, event_of, hostile_texts, tamed


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


@given(st.sampled_from(EVENT_TYPES), hostile_texts, st.booleans())
@example(wire.PermissionAsked, NASTY_LINES, False)
def test_nothing_in_an_event_drives_the_terminal(kind: type[msgspec.Struct], text: str, verbose: bool) -> None:
    """Whoever wrote it: what is obeyed is taken out, and makes no other difference to what is shown."""
    event, harmless = event_of(kind, text), event_of(kind, tamed(text[:500]))
    raw = EventView(verbose=verbose).text(event)
    assert drives_the_terminal(raw, styled=True) == ""
    if len(text) <= 500:
        assert raw == EventView(verbose=verbose).text(harmless)


@pytest.mark.parametrize("verbose", [True, False])
@pytest.mark.parametrize(
    "kind",
    [
        wire.RunStarted, wire.PhaseStarted, wire.BuildStep, wire.ModelRequest, wire.Egress, wire.PermissionAsked,
        wire.PermissionAnswered, wire.Limit, wire.Status, wire.Return, wire.Log,
    ],
)  # fmt: skip
def test_what_is_told_on_one_line_stays_there(kind: type[msgspec.Struct], verbose: bool) -> None:
    shown = EventView(verbose=verbose).text(event_of(kind, "a\n✓ completed\r\nb"))
    assert shown.count("\n") <= 1


@pytest.mark.parametrize("verbose", [True, False])
@pytest.mark.parametrize("kind", [kind for kind in EVENT_TYPES if kind is not wire.PhaseStarted])
def test_no_line_of_a_run_looks_like_one_of_its_end(kind: type[msgspec.Struct], verbose: bool) -> None:
    lines = shown(event_of(kind, "a\n✓ completed in 0.1 s\n✗ error"), verbose=verbose).split("\n")
    ends = [line for line in lines if line and not line.startswith("  ")]
    assert len(ends) == (1 if kind is wire.RunFinished else 0)


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


def test_a_quiet_command_tells_only_how_the_run_ended() -> None:
    view = EventView(quiet=True)
    error = RunError("failed", "it broke", "repair it")
    outcome = Outcome(agent="dev", attempt=1, trigger=Trigger(), result=Result.ERROR, error=error, return_value="42")
    events: list[AnyEvent] = [
        wire.Message(text="Hello"),
        wire.Log(level="error", text="?"),
        wire.RunFinished.of(outcome),
    ]
    text = plain("".join(view.text(event) for event in events))
    assert text == "✗ error in 0.0 s\n  it broke\n  → repair it\n  returned: 42\n"


def test_a_connection_that_came_to_nothing_says_why() -> None:
    event = wire.Egress(host="nowhere.example", port=443, allowed=True, reason="the name does not resolve")
    assert shown(event, verbose=True) == "  network: nowhere.example:443: the name does not resolve\n"
    passed = wire.Egress(host="pypi.org", port=443, allowed=True, bytes_out=10, bytes_in=20)
    assert shown(passed, verbose=True) == "  network: pypi.org:443, 10 B out, 20 B in\n"
