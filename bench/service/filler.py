"""A plausible past, written quickly: runs of many agents in thirteen days, with their triggers and sums.

The rows are made by SQLite itself, out of templates, into tables without indexes; the indexes are made afterwards.
"""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from freehold.wire.runs import Phase, Result, RunError, RunState, RunView, Trigger, TriggerType, Usage

DAYS = 13
"""Younger than what `historyRetentionDays` lets go by default."""
_MARKS = {"@RUN": "run_id", "@AGENT": "agent", "@TRIGGER": "trigger_id", "@QUEUED": "queued", "@FINISHED": "finished"}
_NUMBERS = """
  WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :runs - 1),
  facts AS (SELECT n, printf('agent-%04d', (n * 7919) % :agents) AS agent,
                   printf('01%024d', n) AS ulid, printf('02%024d', n) AS trigger_id,
                   :begin + n * :step AS queued_at, n % 50 = 0 AS failed FROM numbers),
  moments AS (SELECT *, agent || '-' || ulid AS run_id,
                     strftime('%Y-%m-%dT%H:%M:%fZ', queued_at / 1000.0, 'unixepoch') AS queued,
                     strftime('%Y-%m-%dT%H:%M:%fZ', queued_at / 1000.0 + 30, 'unixepoch') AS finished FROM facts)
"""
_RUNS = """
  INSERT INTO runs (run_id, agent, trigger_id, trigger_type, trigger_source, attempt, state, queued_at, started_at,
                    finished_at, result, exit_code, error_code, error_message, tokens, requests, cost_usd, view)
  {numbers}
  SELECT run_id, agent, trigger_id, 'webhook', 'hub', 1, 'finished', queued_at, queued_at + 300, queued_at + 30000,
         iif(failed, 'error', 'completed'), iif(failed, 1, 0), iif(failed, 'failed', ''),
         iif(failed, 'a test failed', ''), 5100, 4, 0.04, {view} FROM moments
"""
_TRIGGERS = """
  INSERT INTO triggers (id, agent, type, source, source_id, payload, state, created_at, not_before, attempts, run_id,
                        ended_at, result)
  SELECT trigger_id, agent, trigger_type, trigger_source, trigger_id, '{}', 'done', queued_at, queued_at, 1, run_id,
         finished_at, result FROM runs
"""
_SUMS = """
  INSERT INTO {table} (day, agent{columns}, runs, input, output, requests, cost_usd)
  SELECT date(finished_at / 1000, 'unixepoch') AS day, {agent}{values}, count(*), 5000 * count(*), 100 * count(*),
         sum(requests), sum(cost_usd) FROM runs GROUP BY 1, 2
"""


def fill(path: Path, *, agents: int, runs: int, now: datetime) -> None:
    """Into a database of the newest schema that nobody uses. The agents are called `agent-0000` and so on."""
    step = DAYS * 86_400_000 // runs
    begin = int(now.timestamp() * 1000) - step * runs - 60_000
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        indexes = _indexes(database)
        for name, _ in indexes:
            database.execute(f'DROP INDEX "{name}"')
        database.execute("BEGIN")
        given = {"runs": runs, "agents": agents, "begin": begin, "step": step}
        view = f"iif(failed, {_template(failed=True)}, {_template(failed=False)})"
        database.execute(_RUNS.format(numbers=_NUMBERS, view=view), given)
        database.execute(_TRIGGERS)
        for agent in ("agent", "''"):
            database.execute(_SUMS.format(table="usage_days", columns="", values="", agent=agent))
            database.execute(_SUMS.format(table="usage_models", columns=", model", values=", 'm'", agent=agent))
        for _, statement in indexes:
            database.execute(statement)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _indexes(database: sqlite3.Connection) -> list[tuple[str, str]]:
    wanted = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('runs', 'triggers') AND sql > ''"
    )
    return list(database.execute(wanted))


def _template(*, failed: bool) -> str:
    """SQL that makes the JSON of a run."""
    error = RunError("failed", "a test failed", "Its output says which one.") if failed else None
    view = RunView(
        run_id="@RUN", agent="@AGENT", attempt=1, state=RunState.FINISHED, queued_at="@QUEUED", started_at="@QUEUED",
        trigger=Trigger(type=TriggerType.WEBHOOK, source="hub", id="@TRIGGER"), finished_at="@FINISHED",
        engine="docker", image="freehold-agent:0123456789ab", result=Result.ERROR if failed else Result.COMPLETED,
        exit_code=int(failed), return_value=None if failed else "https://github.com/acme/shop/pull/4711",
        phases_s={Phase.QUEUE: 0.1, Phase.CONTAINER: 0.3, Phase.SESSION: 29.0},
        usage=Usage(input=5000, output=100, requests=4, turns=4), cost_usd=0.04, error=error,
    )  # fmt: skip
    sql = "'" + msgspec.json.encode(view).decode().replace("'", "''") + "'"
    for mark, column in _MARKS.items():
        sql = f"replace({sql}, '{mark}', {column})"
    return sql


def now() -> datetime:
    return datetime.now(UTC)
