"""What there is of a project after a soak: read from its database, its files and Docker, past the service."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.soak.project import SoakProject
from freehold.keeper.history import EVENTS
from freehold.keeper.left import LEFT_FILE
from freehold.keeper.record import RECORD_FILE, RecordFile, Step
from freehold.wire.runs import RunState, RunView

_KEPT = frozenset({RECORD_FILE, EVENTS, LEFT_FILE})
"""What there is of a run that is over."""
_TRIGGERS = "select id, agent, type, source, source_id, state, run_id, attempts, result, reason from triggers"
_ACCEPTED = "select delivery_id, id from receipts where status = 'accepted'"


@dataclass(frozen=True)
class TriggerRow:
    id: str
    agent: str
    type: str
    source: str
    source_id: str
    state: str
    run_id: str
    attempts: int
    result: str
    reason: str


@dataclass(frozen=True)
class Remains:
    """`runs` as the keeper's files have them, `indexed` as the database does. `receipts` are accepted deliveries with
    their receipts; `left` says what should not be there any more, `broken` what is not whole.
    """

    triggers: Sequence[TriggerRow]
    runs: Sequence[RunView]
    indexed: Sequence[RunView]
    receipts: Sequence[tuple[str, str]]
    left: Sequence[str] = field(default_factory=list)
    broken: Sequence[str] = field(default_factory=list)


def collect(project: SoakProject) -> Remains:
    """Once the service is stopped, the keeper too."""
    runs, unclean, broken = _read_runs(project.state / "runs")
    database = sqlite3.connect(project.state / "state.db")
    try:
        triggers = [TriggerRow(*row) for row in database.execute(_TRIGGERS)]
        views = [msgspec.json.decode(row[0], type=RunView) for row in database.execute("select view from runs")]
        receipts = [(str(row[0]), str(row[1])) for row in database.execute(_ACCEPTED)]
        if (said := database.execute("pragma integrity_check").fetchone()[0]) != "ok":
            broken.append(f"database: {said}")
        left = [f"lock {row[0]} of {row[1]}" for row in database.execute("select uri, run_id from locks")]
        left += [f"wait of {row[0]}" for row in database.execute("select run_id from lock_waits")]
        left += [f"open call {row[0]}" for row in database.execute("select id from calls where ended_at is null")]
    finally:
        database.close()
    return Remains(triggers, runs, views, receipts, [*left, *unclean, *_left_elsewhere(project)], broken)


def _read_runs(folder: Path) -> tuple[list[RunView], list[str], list[str]]:
    views, unclean, broken = [], [], []
    for path in sorted(folder.iterdir()):
        if not (path / RECORD_FILE).exists():
            unclean.append(f"{path.name} has no record")
            continue
        record = RecordFile.load(path / RECORD_FILE).record
        views.append(record.view)
        if record.step is not Step.CLEANED:
            unclean.append(f"{path.name} has come to {record.step} only")
        if more := sorted(entry.name for entry in path.iterdir() if entry.name not in _KEPT):
            unclean.append(f"{path.name} still has {', '.join(more)}")
        broken += _broken_events(path / EVENTS, path.name)
    return views, unclean, broken


def _broken_events(path: Path, run_id: str) -> list[str]:
    """Whole lines, numbered without gaps, that begin once and end once."""
    data = path.read_bytes()
    if not data.endswith(b"\n"):
        return [f"{run_id}: the last event is not whole"]
    found = [msgspec.json.decode(line) for line in data.splitlines()]
    kinds = [event["type"] for event in found]
    problems = []
    if [event["seq"] for event in found] != list(range(1, len(found) + 1)):
        problems.append(f"{run_id}: the events are not numbered without gaps")
    if kinds[0] != "run.queued" or kinds[-1] != "run.finished" or kinds.count("run.finished") != 1:
        problems.append(f"{run_id}: the events do not begin and end once")
    testimony = [event["container_seq"] for event in found if event.get("container_seq")]
    if testimony != list(range(1, len(testimony) + 1)):
        problems.append(f"{run_id}: the container's events are not numbered without gaps")
    return problems


def _left_elsewhere(project: SoakProject) -> list[str]:
    left = [f"container {name}" for name in project.docker("ps", "-aq")]
    left += [f"network {name}" for name in project.docker("network", "ls", "-q")]
    left += [f"still active: {path.name}" for path in (project.state / "active").iterdir()]
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    left += [f"mount {mount}" for mount in mounts if mount.startswith(f"{project.root.parent}/")]
    left += [f"file {path.name}" for path in project.state.glob(".*") if path.name != ".spend.json.lock"]
    # An agent's workspace stays, one for each place that it may have runs in.
    places = {f"fh-{project.unique_name}-{agent.name}-" for agent in (project.root / "agents").iterdir()}
    volumes = project.docker("volume", "ls", "--format", "{{.Name}}")
    left += [f"volume {name}" for name in volumes if not any(name.startswith(place) for place in places)]
    return left


def unfinished(view: RunView) -> bool:
    return view.state is not RunState.FINISHED
