"""The verdict on a run, as a table of facts."""

from __future__ import annotations

import pytest

from freehold.base.errors import Code
from freehold.keeper.outcome import Facts, Stop, decide
from freehold.runtime.engine import Exit
from freehold.wire.runs import Result, RunError

SAID = RunError(Code.HOOK, "pre hook 1 failed", "look at it")
BUDGET = Stop(Result.BUDGET, RunError(Code.BUDGET, "spent"))
COMPLETED = Stop(Result.COMPLETED, exit_code=0)

CASES: list[tuple[str, Facts, Result, int | None]] = [
    ("a zero exit completes", Facts(Exit(0)), Result.COMPLETED, 0),
    ("a non-zero exit is an error", Facts(Exit(3)), Result.ERROR, 3),
    ("a rerun that was asked for", Facts(Exit(0), rerun_requested=True), Result.RERUN, 42),
    ("a rerun by exit code alone, as scripts ask for it", Facts(Exit(42)), Result.RERUN, 42),
    ("a rerun does not hide a failure", Facts(Exit(1), rerun_requested=True), Result.ERROR, 1),
    ("killed from outside", Facts(Exit(137)), Result.KILLED, 137),
    ("killed because its engine went away", Facts(Exit(137, engine_was_away=True)), Result.LOST, 137),
    ("stopped because its engine went away", Facts(Exit(143, engine_was_away=True), concluded=True), Result.LOST, 143),
    ("stopped by somebody", Facts(Exit(143), concluded=True), Result.ERROR, 143),
    ("a program in it was killed", Facts(Exit(137), concluded=True), Result.ERROR, 137),
    ("out of memory is named", Facts(Exit(137, out_of_memory=True), memory_bytes=2**32), Result.ERROR, 137),
    ("memory pressure that a run survived", Facts(Exit(0, out_of_memory=True)), Result.COMPLETED, 0),
    ("the workspace is full", Facts(Exit(137, workspace_full=True)), Result.ERROR, 137),
    ("the container is gone", Facts(None), Result.LOST, None),
    ("a failure before the container", Facts(None, failure=SAID), Result.ERROR, None),
    ("a stop beats the exit", Facts(Exit(0), stop=BUDGET), Result.BUDGET, 0),
    ("a stop before the container", Facts(None, stop=Stop(Result.KILLED, exit_code=137)), Result.KILLED, 137),
    ("a rehearsal that went astray", Facts(Exit(0), rehearsal_problems=("2 turns left",)), Result.ERROR, 0),
    ("a stop that completes", Facts(Exit(143), stop=COMPLETED), Result.COMPLETED, 0),
    (
        "a stop that leaves a rehearsal unfinished",
        Facts(Exit(143), stop=COMPLETED, rehearsal_problems=("1 turn left",)),
        Result.ERROR,
        0,
    ),
    ("no model answers", Facts(Exit(1), models_exhausted="all rate limited"), Result.ERROR, 12),
]


@pytest.mark.parametrize(("facts", "result", "code"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_verdict(facts: Facts, result: Result, code: int | None) -> None:
    verdict = decide(facts)
    assert (verdict.result, verdict.exit_code) == (result, code)
    if result in (Result.ERROR, Result.LOST):
        assert verdict.error is not None


def test_out_of_memory_names_the_limit_and_the_key_to_raise() -> None:
    error = decide(Facts(Exit(137, out_of_memory=True), memory_bytes=4 * 1024**3)).error
    assert error is not None
    assert error.code == Code.OUT_OF_MEMORY
    assert "4.0 GB" in error.message
    assert "[local] memory" in error.hint


def test_the_runners_words_explain_an_exit_but_do_not_change_it() -> None:
    verdict = decide(Facts(Exit(1), conclusion=SAID))
    assert verdict.error == SAID
    assert decide(Facts(Exit(0), conclusion=SAID)).error is None


def test_without_words_the_last_output_is_shown() -> None:
    error = decide(Facts(Exit(127, output="sh: 1: nosuch: not found\n"))).error
    assert error is not None
    assert "nosuch: not found" in error.message
