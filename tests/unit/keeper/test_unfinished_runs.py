"""Which runs a new keeper looks at: marks, whatever was killed when."""

from __future__ import annotations

from pathlib import Path

from freehold.base.ids import new_run_id
from freehold.keeper.history import RUNS
from freehold.keeper.record import RECORD_FILE, Record, RecordFile, Step
from freehold.keeper.unfinished import MARKS, mark, marked, unfinished, unmark
from freehold.wire.runs import RunState, RunView, StartRun, Trigger


def recorded(state: Path, step: Step) -> str:
    """A run's record, without a mark."""
    run_id = new_run_id("dev")
    (state / RUNS / run_id).mkdir(parents=True)
    view = RunView(run_id=run_id, agent="dev", attempt=1, trigger=Trigger(), state=RunState.RUNNING, queued_at="")
    record = Record(view=view, start=StartRun(run_id, "dev"), step=step)
    RecordFile(state / RUNS / run_id / RECORD_FILE, record).save()
    return run_id


def ids(state: Path) -> set[str]:
    return {record.start.run_id for record in unfinished(state)}


def test_only_marked_runs_are_read(tmp_path: Path) -> None:
    mark(tmp_path, "dev-0")
    alive, unseen = recorded(tmp_path, Step.RUNNING), recorded(tmp_path, Step.RUNNING)
    mark(tmp_path, alive)
    assert ids(tmp_path) == {alive}
    assert unseen not in ids(tmp_path)


def test_a_state_without_marks_is_read_whole_once(tmp_path: Path) -> None:
    alive, ended = recorded(tmp_path, Step.SOCKET), recorded(tmp_path, Step.CLEANED)
    damaged = recorded(tmp_path, Step.RUNNING)
    (tmp_path / RUNS / damaged / RECORD_FILE).write_text("{")
    assert ids(tmp_path) == {alive}
    assert [path.name for path in (tmp_path / MARKS).iterdir()] == [alive]
    later = recorded(tmp_path, Step.RUNNING)
    assert ids(tmp_path) == {alive}, "the whole state was read again"
    assert ended != later


def test_marks_that_a_killed_keeper_had_begun_to_make_are_begun_anew(tmp_path: Path) -> None:
    alive = recorded(tmp_path, Step.SOCKET)
    (tmp_path / "active.new").mkdir()
    (tmp_path / "active.new" / "dev-gone").touch()
    assert ids(tmp_path) == {alive}
    assert marked(tmp_path) == [alive]


def test_marks_of_runs_that_are_over_or_were_never_recorded_go(tmp_path: Path) -> None:
    ended = recorded(tmp_path, Step.CLEANED)
    mark(tmp_path, ended)
    mark(tmp_path, new_run_id("dev"))
    assert ids(tmp_path) == set()
    assert marked(tmp_path) == []


def test_the_mark_of_a_damaged_record_stays(tmp_path: Path) -> None:
    damaged = recorded(tmp_path, Step.RUNNING)
    mark(tmp_path, damaged)
    (tmp_path / RUNS / damaged / RECORD_FILE).write_text("{")
    assert ids(tmp_path) == set()
    assert marked(tmp_path) == [damaged]
    unmark(tmp_path, damaged)
    assert marked(tmp_path) == []
