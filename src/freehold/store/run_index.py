"""An index of the runs, for lists; what a run said and did is in its own files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, or_, select

from freehold.base.errors import Code
from freehold.store import usage
from freehold.store.rows import milliseconds, put
from freehold.store.tables import runs
from freehold.wire.runs import Result, RunState, RunView, TriggerType

_NEWEST = (runs.c.queued_at.desc(), runs.c.run_id.desc())
_FIXED = ("agent", "trigger_id", "trigger_type", "trigger_source", "attempt", "queued_at")
_decode = msgspec.json.Decoder(RunView).decode


def record(connection: Connection, view: RunView) -> bool:
    """Take in how a run stands; True when it is seen finished for the first time. One that has finished stays so."""
    known = connection.execute(select(runs.c.state).where(runs.c.run_id == view.run_id)).scalar()
    if known == RunState.FINISHED:
        return False
    put(connection, runs, _values(view), _FIXED)
    if view.state is not RunState.FINISHED:
        return False
    usage.add(connection, view)
    return True


def find(connection: Connection, run_id: str) -> RunView | None:
    text = connection.execute(select(runs.c.view).where(runs.c.run_id == run_id)).scalar()
    return _decode(text) if text else None


def attempts_of(connection: Connection, trigger_id: str) -> list[RunView]:
    """Every attempt of a trigger, the first one first."""
    wanted = select(runs.c.view).where(runs.c.trigger_id == trigger_id).order_by(runs.c.attempt, runs.c.queued_at)
    return [_decode(text) for text in connection.execute(wanted).scalars()]


def count_unbegun(connection: Connection, trigger_id: str) -> int:
    """How many of its attempts never began, because their engine was away (`RunView.never_began`)."""
    unbegun = (runs.c.result == Result.LOST, runs.c.error_code == Code.UNREACHABLE, runs.c.started_at.is_(None))
    return connection.execute(select(func.count()).where(runs.c.trigger_id == trigger_id, *unbegun)).scalar_one()


def unfinished(connection: Connection) -> list[RunView]:
    wanted = select(runs.c.view).where(runs.c.state != RunState.FINISHED)
    return [_decode(text) for text in connection.execute(wanted).scalars()]


def page(
    connection: Connection,
    *,
    agent: str = "",
    results: Sequence[str] = (),
    trigger_types: Sequence[str] = (),
    before: datetime | None = None,
    before_run: str = "",
    limit: int = 50,
) -> list[RunView]:
    """Newest first; `before` is when the last one seen was queued, `before_run` its run id: several may have come at
    the same moment. Without the run id, those of that moment count as seen."""
    wanted = select(runs.c.run_id, runs.c.queued_at).order_by(*_NEWEST).limit(limit)
    if before:
        at = milliseconds(before)
        wanted = wanted.where(runs.c.queued_at <= at if before_run else runs.c.queued_at < at)
        if before_run:
            wanted = wanted.where(or_(runs.c.queued_at < at, runs.c.run_id < before_run))
    probes = _probes(agent, results, trigger_types)
    found = [(row.queued_at, row.run_id) for probe in probes for row in connection.execute(wanted.where(*probe))]
    newest = [run_id for _, run_id in sorted(found, reverse=True)[:limit]]
    views = select(runs.c.view).where(runs.c.run_id.in_(newest)).order_by(*_NEWEST)
    return [_decode(text) for text in connection.execute(views).scalars()]


def _probes(agent: str, results: Sequence[str], trigger_types: Sequence[str]) -> list[list[ColumnElement[bool]]]:
    """Each reads the newest of one stretch of an index, and no more: a database that is asked for one of several
    values, or for two columns of different indexes, reads everything that one of them has, which may be all there is.
    """
    of_agent = [runs.c.agent == agent] if agent else []
    if not trigger_types and not (agent and results):
        return [[runs.c.result == result] for result in results] if results else [of_agent]
    every = product(trigger_types or list(TriggerType), results or ["", *Result])
    return [[*of_agent, runs.c.trigger_type == kind, runs.c.result == result] for kind, result in every]


@dataclass(frozen=True)
class Chosen:
    """Which runs: empty means any; the result of those that have not ended is empty."""

    agent: str = ""
    results: tuple[str, ...] = ()
    trigger_types: tuple[str, ...] = ()
    since: datetime | None = None


def chosen(connection: Connection, which: Chosen, limit: int, skip: int = 0) -> list[RunView]:
    """Newest first. For pages by number, as the system before had them; `page` costs the same however far it is."""
    wanted = select(runs.c.view).where(*_conditions(which)).order_by(runs.c.queued_at.desc())
    return [_decode(text) for text in connection.execute(wanted.limit(limit).offset(skip)).scalars()]


def count(connection: Connection, which: Chosen) -> int:
    wanted = select(func.count()).select_from(runs).where(*_conditions(which))
    return connection.execute(wanted).scalar_one()


def _conditions(which: Chosen) -> list[ColumnElement[bool]]:
    found = [runs.c.agent == which.agent] if which.agent else []
    if which.results:
        found.append(runs.c.result.in_(which.results))
    if which.trigger_types:
        found.append(runs.c.trigger_type.in_(which.trigger_types))
    if which.since:
        found.append(runs.c.queued_at >= milliseconds(which.since))
    return found


def latest_of_each(connection: Connection) -> dict[str, RunView]:
    """The latest run of every agent that has one."""
    # One index probe an agent, however many runs there are: grouping them all would read the whole index.
    found: dict[str, RunView] = {}
    agent = connection.execute(select(func.min(runs.c.agent))).scalar()
    while agent is not None:
        newest = select(runs.c.view).where(runs.c.agent == agent).order_by(runs.c.queued_at.desc()).limit(1)
        found[agent] = _decode(connection.execute(newest).scalar_one())
        agent = connection.execute(select(func.min(runs.c.agent)).where(runs.c.agent > agent)).scalar()
    return found


def newest(connection: Connection) -> str:
    """The run id that was queued last; empty when there is none."""
    wanted = select(runs.c.run_id).order_by(runs.c.queued_at.desc()).limit(1)
    return connection.execute(wanted).scalar() or ""


def forget_before(connection: Connection, moment: datetime) -> int:
    """Forget finished runs that were queued before; sums of days stay. How many were forgotten."""
    old = (runs.c.queued_at < milliseconds(moment), runs.c.state == RunState.FINISHED)
    return connection.execute(delete(runs).where(*old)).rowcount


def _values(view: RunView) -> dict[str, Any]:
    return {
        "run_id": view.run_id,
        "agent": view.agent,
        "trigger_id": view.trigger.id,
        "trigger_type": view.trigger.type,
        "trigger_source": view.trigger.source,
        "attempt": view.attempt,
        "state": view.state,
        "queued_at": _at(view.queued_at),
        "started_at": _at(view.started_at),
        "finished_at": _at(view.finished_at),
        "result": view.result or "",
        "exit_code": view.exit_code,
        "error_code": view.error.code if view.error else "",
        "error_message": view.error.message if view.error else "",
        "tokens": view.usage.tokens,
        "requests": view.usage.requests,
        "cost_usd": view.cost_usd,
        "view": msgspec.json.encode(view).decode(),
    }


def _at(written: str | None) -> int | None:
    return None if written is None else milliseconds(datetime.fromisoformat(written))
