"""Whether what was accepted was done, once. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from bench.soak.ledger import Ledger
from bench.soak.remains import Remains, TriggerRow, unfinished
from freehold.wire.runs import RunView


def violations(ledger: Ledger, remains: Remains) -> list[str]:
    """Each with the id that it is about; empty when all is as promised."""
    rows = {row.id: row for row in remains.triggers}
    attempts: dict[str, list[RunView]] = defaultdict(list)
    for view in remains.runs:
        attempts[view.trigger.id].append(view)
    return [
        *ledger.surprises,
        *_accepted(ledger, rows),
        *_deliveries(ledger, remains),
        *(problem for row in remains.triggers for problem in _of_trigger(row, attempts[row.id])),
        *_runs(ledger, remains, rows),
        *_repeated_moments(remains.triggers),
        *_locked_together(remains.runs),
        *_calls(remains.runs),
        *(f"left: {what}" for what in remains.left),
        *(f"not whole: {what}" for what in remains.broken),
    ]


def _accepted(ledger: Ledger, rows: dict[str, TriggerRow]) -> Iterator[str]:
    for trigger_id, how in ledger.triggers.items():
        if trigger_id not in rows:
            yield f"trigger {trigger_id} ({how}) was accepted and is lost"


def _deliveries(ledger: Ledger, remains: Remains) -> Iterator[str]:
    receipts: dict[str, list[str]] = defaultdict(list)
    for delivery, receipt in remains.receipts:
        receipts[delivery].append(receipt)
    started = Counter(row.source_id for row in remains.triggers if row.type == "webhook")
    for delivery, receipt in ledger.deliveries.items():
        if receipts[delivery] != [receipt]:
            yield f"delivery {delivery} was answered with receipt {receipt}; on the disk are {receipts[delivery]}"
        if started[delivery] != 1:
            yield f"delivery {delivery} started {started[delivery]} triggers"
    for delivery in receipts:
        if delivery.startswith("forged-"):
            yield f"delivery {delivery} was wrongly signed, and accepted"


def _of_trigger(row: TriggerRow, views: Sequence[RunView]) -> Iterator[str]:
    """One final attempt: the last one; each before it ended, and each number once."""
    name = f"trigger {row.id} ({row.type} {row.agent})"
    if row.state == "dead" and row.type == "call" and not views:
        return  # its caller had ended before it began: nobody waits for it
    if row.state != "done":
        yield f"{name} is {row.state}: {row.reason}"
        return
    ordered = sorted(views, key=lambda view: view.attempt)
    if [view.attempt for view in ordered] != list(range(1, row.attempts + 1)):
        numbers = ", ".join(f"{view.run_id} is attempt {view.attempt}" for view in ordered)
        yield f"{name} counts {row.attempts} attempts; of its runs {numbers or 'there is none'}"
        return
    final = ordered[-1]
    if final.run_id != row.run_id or final.result != row.result:
        yield f"{name}: final is {row.run_id} ({row.result}), but the last run is {final.run_id} ({final.result})"
    starts = [view.queued_at for view in ordered[1:]]
    ends = [view.finished_at or "" for view in ordered[:-1]]
    if any(start < end for start, end in zip(starts, ends, strict=True)):
        yield f"{name}: an attempt began before the one before had ended"


def _runs(ledger: Ledger, remains: Remains, rows: dict[str, TriggerRow]) -> Iterator[str]:
    indexed = {view.run_id: view for view in remains.indexed}
    for view in remains.runs:
        known = indexed.pop(view.run_id, None)
        if unfinished(view):
            yield f"run {view.run_id} is left {view.state}"
        if known is None:
            yield f"run {view.run_id} is not in the database"
        elif (known.state, known.result) != (view.state, view.result):
            yield f"run {view.run_id} is {view.result}; the database has {known.state} {known.result}"
        if view.trigger.id and view.trigger.id not in rows:
            yield f"run {view.run_id} is of a trigger that is not there: {view.trigger.id}"
    for run_id in indexed:
        yield f"run {run_id} is in the database, and has no files"
    there = {view.run_id for view in remains.runs}
    yield from (f"run {run_id} ({how}) was accepted and is lost" for run_id, how in ledger.runs.items()
                if run_id not in there)  # fmt: skip


def _repeated_moments(rows: Iterable[TriggerRow]) -> Iterator[str]:
    moments = Counter((row.agent, row.source_id) for row in rows if row.type == "schedule")
    for (agent, moment), number in moments.items():
        if number > 1:
            yield f"the moment {moment} of {agent} started it {number} times"


def _locked_together(runs: Sequence[RunView]) -> Iterator[str]:
    """Nobody held the lock while somebody else did: each of its runs returns from when to when it had it."""
    spans = sorted(
        (int(words[0]), int(words[1]), view.run_id)
        for view in runs
        if view.agent == "locker" and len(words := (view.return_value or "").split()) == 2
    )
    for (_, until, one), (begins, _, other) in pairwise(spans):
        if begins < until:
            yield f"{one} and {other} held the same lock at the same time"


def _calls(runs: Sequence[RunView]) -> Iterator[str]:
    """Who called was told what the called one said: its run id."""
    callees = {view.run_id: view for view in runs if view.agent == "callee"}
    for view in runs:
        if view.agent == "caller" and view.result == "completed":
            callee = callees.get(view.return_value or "")
            if callee is None or callee.trigger.source != view.run_id:
                yield f"{view.run_id} called, and was told {view.return_value!r}"
