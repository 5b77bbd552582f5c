"""The runs of a project, read from their files."""

from __future__ import annotations

import contextlib
import heapq
import os
from collections.abc import Iterator
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import is_ulid
from freehold.base.words import did_you_mean, one_of
from freehold.keeper.record import RECORD_FILE, Record, RecordFile
from freehold.project.state import keeper_directory
from freehold.wire.runs import RunView

RUNS = "runs"
EVENTS = "events.jsonl"


def run_ids(state: Path) -> list[str]:
    """Every run of the project, newest first."""
    return sorted(each_run_id(state), key=_queued, reverse=True)


def each_run_id(state: Path) -> Iterator[str]:
    """Every run of the project, in no order: there may be a million. Raises DENIED where they are another user's."""
    try:
        with contextlib.suppress(FileNotFoundError), os.scandir(state / RUNS) as entries:
            yield from (entry.name for entry in entries if is_ulid(entry.name[-26:]))
    except PermissionError as error:
        what = f"{state / RUNS}: the runs are another user's, whose the keeper is"
        raise FreeholdError(
            Code.DENIED, what, "`freehold runs` and `freehold logs` ask the running project."
        ) from error


def _queued(run_id: str) -> str:
    """What sorts runs by when they were queued."""
    return run_id[-26:]


def records(state: Path, agent: str = "") -> Iterator[Record]:
    """Records newest first; a file that cannot be read is passed over here and told by `doctor`."""
    for run_id in run_ids(state):
        if agent and run_id[:-27] != agent:
            continue
        try:
            yield RecordFile.load(state / RUNS / run_id / RECORD_FILE).record
        except FreeholdError:
            continue


def views(state: Path, agent: str = "", limit: int = 50, before: str = "") -> list[RunView]:
    """Newest first; `before` is the id of the last one seen. Of a million runs, `limit` are read and sorted."""
    found: list[RunView] = []
    while len(found) < limit:
        mine = (name for name in each_run_id(state) if not agent or name[:-27] == agent)
        older = (name for name in mine if not before or _queued(name) < _queued(before))
        names = heapq.nlargest(limit - len(found), older, key=_queued)
        if not names:
            break
        before = names[-1]
        for name in names:
            with contextlib.suppress(FreeholdError):  # damaged: passed over, as in `records`
                found.append(RecordFile.load(state / RUNS / name / RECORD_FILE).record.view)
    return found


def find_run(root: Path, target: str) -> str:
    """The run of the project in `root` that `target` means: a run id, the end of one (six characters or more), an
    agent's latest, or, when empty, the project's latest. Raises NOT_FOUND, saying which runs there are.
    """
    ids = run_ids(keeper_directory(root))
    matching = [run_id for run_id in ids if not target or run_id == target or run_id[:-27] == target]
    if not matching and len(target) >= 6:
        matching = [run_id for run_id in ids if run_id.endswith(target.lower())]
    if matching:
        return matching[0]
    agents = _agents(root)
    if target in agents:
        raise FreeholdError(Code.NOT_FOUND, f'"{target}" has no runs yet', f"Start one: freehold run {target}")
    if not ids and not target:
        raise FreeholdError(Code.NOT_FOUND, "this project has no runs yet", "Start one: freehold run AGENT")
    with_runs = {run_id[:-27] for run_id in ids}
    suggestion = did_you_mean(target, agents | with_runs)
    raise FreeholdError(
        Code.NOT_FOUND,
        f'no run or agent matches "{target}" {suggestion}'.rstrip(),
        f"Agents with runs: {one_of(with_runs)}. `freehold runs` lists them."
        if ids
        else f"Agents: {one_of(agents)}. None has a run yet.",
    )


def require_agent(root: Path, agent: str) -> None:
    """Raises NOT_FOUND for an agent that neither is in the project nor ever ran."""
    known = _agents(root) | {run_id[:-27] for run_id in each_run_id(keeper_directory(root))}
    if agent not in known:
        message = f'there is no agent "{agent}" {did_you_mean(agent, known)}'.rstrip()
        raise FreeholdError(Code.NOT_FOUND, message, f"There is: {one_of(known)}")


def _agents(root: Path) -> set[str]:
    """The project's agents, also the broken ones."""
    # 30 ms, which is needed for what is not found alone
    from freehold.project.agent_config import SKILL_FILE
    from freehold.project.load import AGENTS_DIRECTORY

    return {skill.parent.name for skill in (root / AGENTS_DIRECTORY).glob(f"*/{SKILL_FILE}")}


def record_of(state: Path, run_id: str) -> Record | None:
    """The record of one run; None when there is none. Raises INTERNAL when it cannot be read."""
    path = state / RUNS / run_id / RECORD_FILE
    if not is_ulid(run_id[-26:]) or "/" in run_id or not path.exists():
        return None
    return RecordFile.load(path).record
