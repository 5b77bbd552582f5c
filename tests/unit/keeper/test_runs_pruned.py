"""Old runs are removed, a few at a time, and listed page by page."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freehold.base.clock import rfc3339
from freehold.base.ids import new_run_id, new_ulid, ulid_milliseconds
from freehold.keeper.history import RUNS, run_ids, views
from freehold.keeper.pruning import prune
from freehold.keeper.record import RECORD_FILE, Record, RecordFile
from freehold.keeper.unfinished import mark
from freehold.wire.runs import RunState, RunView, StartRun, Trigger


def run_at(state: Path, monkeypatch: pytest.MonkeyPatch, second: int, agent: str = "dev") -> str:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000 + second)
    run_id = new_run_id(agent)
    monkeypatch.undo()
    (state / RUNS / run_id).mkdir(parents=True)
    view = RunView(run_id=run_id, agent=agent, attempt=1, trigger=Trigger(), state=RunState.FINISHED, queued_at="")
    RecordFile(state / RUNS / run_id / RECORD_FILE, Record(view=view, start=StartRun(run_id, agent))).save()
    (state / RUNS / run_id / "events.jsonl").write_text("{}")
    return run_id


def moment(second: int) -> str:
    return rfc3339(datetime.fromtimestamp(1_700_000_000 + second, UTC))


def test_an_id_says_when_it_was_made() -> None:
    before = int(time.time() * 1000)
    assert before <= ulid_milliseconds(new_ulid()) <= time.time() * 1000


def test_old_runs_go_and_those_that_are_held_or_not_over_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = [run_at(tmp_path, monkeypatch, second) for second in range(6)]
    young = run_at(tmp_path, monkeypatch, 6)
    (tmp_path / RUNS / old[5] / RECORD_FILE).unlink()  # half removed, by a keeper that was killed
    mark(tmp_path, old[0])
    assert prune(tmp_path, moment(6), {old[1]}, limit=3) == 3
    assert prune(tmp_path, moment(6), {old[1]}, limit=3) == 1
    assert prune(tmp_path, moment(6), {old[1]}, limit=3) == 0
    assert set(run_ids(tmp_path)) == {old[0], old[1], young}


def test_without_any_run(tmp_path: Path) -> None:
    assert prune(tmp_path, moment(6), set(), limit=3) == 0
    assert views(tmp_path) == []


def test_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [run_at(tmp_path, monkeypatch, second, "dev" if second % 2 else "ops") for second in range(6)]
    (tmp_path / RUNS / ids[4] / RECORD_FILE).write_text("{")
    newest_first = [ids[5], ids[3], ids[2], ids[1], ids[0]]
    assert [view.run_id for view in views(tmp_path, limit=2)] == newest_first[:2]
    assert [view.run_id for view in views(tmp_path, limit=2, before=ids[3])] == newest_first[2:4]
    assert [view.run_id for view in views(tmp_path, limit=9, before=ids[1])] == newest_first[4:]
    assert [view.run_id for view in views(tmp_path, agent="dev", limit=2, before=ids[5])] == [ids[3], ids[1]]
    assert views(tmp_path, before=ids[0]) == []
