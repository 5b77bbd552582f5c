"""Each way in which a promise can be broken is seen, and told with the id that it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from bench.soak.ledger import Ledger
from bench.soak.remains import Remains, TriggerRow
from bench.soak.verdict import violations

from freehold.wire.runs import Result, RunState, RunView, Trigger, TriggerType

ROW = TriggerRow("t1", "dev", "webhook", "hub", "d-1", "done", "dev-2", 2, "completed", "")


def run(run_id: str, attempt: int = 1, second: int = 0, **fields: Any) -> RunView:
    """A run of two seconds."""
    given = {"agent": "dev", "trigger_id": "t1", "source": "hub", "result": Result.COMPLETED, "said": None} | fields
    return RunView(
        run_id=run_id,
        agent=given["agent"],
        attempt=attempt,
        trigger=Trigger(TriggerType.WEBHOOK, given["source"], given["trigger_id"]),
        state=RunState.FINISHED,
        queued_at=f"2026-11-21T09:00:{second:02}.000Z",
        finished_at=f"2026-11-21T09:00:{second + 2:02}.000Z",
        result=given["result"],
        return_value=given["said"],
    )


RUNS = (run("dev-1", 1, 0, result=Result.ERROR), run("dev-2", 2, 10))
SOUND = Remains([ROW], RUNS, RUNS, [("d-1", "r1")])


def ledger() -> Ledger:
    return Ledger(triggers={"t1": "manual"}, runs={"dev-1": "freehold run"}, deliveries={"d-1": "r1"})


def test_what_was_done_once_is_no_violation() -> None:
    assert violations(ledger(), SOUND) == []


def row(**changes: Any) -> Remains:
    return replace(SOUND, triggers=[replace(ROW, **changes)])


def both(*views: RunView) -> Remains:
    return replace(SOUND, runs=views, indexed=views)


def changed(view: RunView, **changes: Any) -> RunView:
    return msgspec.structs.replace(view, **changes)


LOCKED = (
    run("locker-1", agent="locker", trigger_id="", said="100 200"),
    run("locker-2", agent="locker", trigger_id="", said="150 250"),
)
CALLED = run("caller-1", agent="caller", trigger_id="", said="callee-1")


@pytest.mark.parametrize(
    ("remains", "words"),
    [
        (replace(SOUND, triggers=[]), "trigger t1 (manual) was accepted and is lost"),
        (replace(SOUND, triggers=[]), "run dev-2 is of a trigger that is not there: t1"),
        (row(state="running"), "trigger t1 (webhook dev) is running"),
        (row(state="waiting"), "is waiting"),
        (row(state="dead", reason="discarded"), "is dead: discarded"),
        (row(attempts=3), "counts 3 attempts"),
        (row(run_id="dev-1"), "final is dev-1"),
        (row(result="error"), "final is dev-2 (error)"),
        (both(*RUNS, run("dev-3", 3, 20)), "counts 2 attempts"),
        (both(*RUNS, run("dev-3", 2, 20)), "counts 2 attempts"),
        (both(RUNS[0], run("dev-2", 2, 1)), "an attempt began before"),
        (both(RUNS[1]), "counts 2 attempts"),
        (both(RUNS[1]), "run dev-1 (freehold run) was accepted and is lost"),
        (replace(SOUND, indexed=RUNS[1:]), "run dev-1 is not in the database"),
        (replace(SOUND, indexed=(*RUNS, run("dev-9"))), "run dev-9 is in the database, and has no files"),
        (
            replace(SOUND, indexed=(RUNS[0], run("dev-2", 2, 10, result=Result.LOST))),
            "run dev-2 is completed; the database has finished lost",
        ),
        (both(RUNS[0], changed(RUNS[1], state=RunState.RUNNING)), "run dev-2 is left running"),
        (replace(SOUND, receipts=[]), "delivery d-1 was answered with receipt r1"),
        (replace(SOUND, receipts=[("d-1", "r1"), ("d-1", "r2")]), "on the disk are ['r1', 'r2']"),
        (replace(SOUND, receipts=[*SOUND.receipts, ("forged-1", "r3")]), "was wrongly signed, and accepted"),
        (replace(SOUND, triggers=[ROW, replace(ROW, id="t2")]), "delivery d-1 started 2 triggers"),
        (
            replace(SOUND, triggers=[ROW, *(replace(ROW, id=f"s{n}", type="schedule") for n in range(2))]),
            "the moment d-1 of dev started it 2 times",
        ),
        (both(*RUNS, *LOCKED), "locker-1 and locker-2 held the same lock"),
        (both(*RUNS, CALLED), "caller-1 called, and was told 'callee-1'"),
        (replace(SOUND, left=["container x"]), "left: container x"),
        (replace(SOUND, broken=["database: page 7"]), "not whole: database: page 7"),
    ],
)
def test_a_broken_promise_is_told(remains: Remains, words: str) -> None:
    assert any(words in told for told in violations(ledger(), remains)), violations(ledger(), remains)


def test_answers_that_no_client_should_get_are_told() -> None:
    assert violations(Ledger(surprises=["POST /pause: 500"]), replace(SOUND)) == ["POST /pause: 500"]


def test_a_call_whose_caller_had_ended_needs_no_attempt() -> None:
    dead = replace(ROW, id="c1", type="call", state="dead", run_id="", attempts=0, source_id="")
    assert violations(ledger(), replace(SOUND, triggers=[ROW, dead])) == []
