"""`/api/stats/*` and the replay of webhooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.api import receipts, runs
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.legacy import words
from freehold.store import run_index, triggers
from freehold.store.api_keys import Scope
from freehold.store.triggers import StoredTrigger, TriggerState
from freehold.wire.runs import RunView, TriggerType

LARGEST_PAGE = 100
LARGEST_OFFSET = 1_000_000
_PENDING_STATUSES = {"pending": TriggerState.WAITING, "dead-letter": TriggerState.DEAD}
_RESULTS = {"completed": ["completed"], "rerun": ["rerun"], "error": ["error", "timeout", "killed", "budget", "lost"]}


async def agent_runs(asked: Asked) -> dict[str, Any]:
    number, limit = asked.number("page", 1, LARGEST_OFFSET), asked.number("limit", 10, LARGEST_PAGE)
    found, total = await _runs(asked, asked.path["name"], limit, (number - 1) * limit)
    return {"runs": [words.run_row(view) for view in found], "total": total, "page": number, "limit": limit}


async def agent_run(asked: Asked) -> dict[str, Any]:
    try:
        return {"run": words.run_row(await runs.one(asked))}
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return {"run": None}


async def run_triggers(asked: Asked) -> dict[str, Any]:
    """With `all=1`, dead letters stand before the runs."""
    limit, offset = _page(asked)
    found, total = await _runs(asked, asked.text("agent"), limit, offset)
    rows = [words.run_row(view) for view in found]
    if asked.text("all") == "1" and offset == 0:
        dead = await _stored(asked, TriggerState.DEAD)
        rows = [*(words.trigger_row(trigger) for trigger in dead[:limit]), *rows][:limit]
        total += len(dead)
    return {"triggers": rows, "total": total, "limit": limit, "offset": offset}


async def jobs(asked: Asked) -> dict[str, Any]:
    limit, offset = _page(asked)
    found, total = await _runs(asked, asked.text("agent"), limit, offset)
    queues = asked.service.scheduler.dispatcher.queues
    pending = {name: len(waiting) for name, waiting in queues.by_agent.items()}
    return {
        "jobs": [words.run_row(view) for view in found],
        "total": total,
        "pending": pending,
        "totalPending": sum(pending.values()),
        "limit": limit,
        "offset": offset,
    }


async def activity(asked: Asked) -> dict[str, Any]:
    """What waits first, then runs, the newest first: filtered before a page is cut, so that no page is short."""
    limit, offset = _page(asked)
    wanted = [word for word in asked.text("status").split(",") if word and word != "all"]
    unknown = [word for word in wanted if word not in (*_PENDING_STATUSES, *_RESULTS, "running")]
    if unknown:
        raise FreeholdError(Code.USAGE, f"status: there is no {unknown[0]!r}")
    states = [state for word, state in _PENDING_STATUSES.items() if not wanted or word in wanted]
    standing = [words.trigger_row(trigger) for state in states for trigger in await _stored(asked, state)]
    results = [result for word in wanted for result in (*_RESULTS.get(word, ()), *([""] if word == "running" else ()))]
    found: list[RunView] = []
    total = 0
    if not wanted or results:
        skip = max(offset - len(standing), 0)
        found, total = await _runs(asked, asked.text("agent"), limit, skip, results)
    rows = [*standing[offset : offset + limit], *(words.run_row(view) for view in found)][:limit]
    waiting = len(asked.service.scheduler.dispatcher.queues)
    total += len(standing)
    return {"rows": rows, "total": total, "pendingCount": waiting, "limit": limit, "offset": offset}


async def receipt(asked: Asked) -> dict[str, Any]:
    found = await receipts.one(asked)
    return {"receipt": words.receipt(found.receipt, found.headers, found.body)}


async def replay(asked: Asked) -> dict[str, Any]:
    answer = await receipts.replay(asked)
    return {
        "ok": True,
        "matched": answer.matched,
        "skipped": answer.skipped,
        "replayReceiptId": answer.receipt_id,
    }


def _page(asked: Asked) -> tuple[int, int]:
    return asked.number("limit", 50, LARGEST_PAGE), asked.number("offset", 0, LARGEST_OFFSET, least=0)


async def _runs(
    asked: Asked, agent: str, limit: int, skip: int, results: list[str] | None = None
) -> tuple[list[RunView], int]:  # fmt: skip
    kinds, since = _kinds(asked), _since(asked)

    def work(connection: Connection) -> tuple[list[RunView], int]:
        chosen = run_index.Chosen(agent, tuple(results or ()), kinds, since)
        return run_index.chosen(connection, chosen, limit, skip), run_index.count(connection, chosen)

    return await asked.service.database.read(work)


async def _stored(asked: Asked, state: TriggerState) -> list[StoredTrigger]:
    agent, kinds = asked.text("agent"), _kinds(asked)
    found = await asked.service.database.read(
        lambda connection: triggers.page(connection, [state], agent=agent, limit=LARGEST_PAGE)
    )
    return [trigger for trigger in found if not kinds or trigger.type in kinds]


def _kinds(asked: Asked) -> tuple[str, ...]:
    kind = asked.text("triggerType")
    if kind in ("", "all"):
        return ()
    found = str(TriggerType.CALL) if kind == "agent" else kind
    if found not in list(TriggerType):
        raise FreeholdError(Code.USAGE, f"triggerType: there is no {kind!r}")
    return (found,)


def _since(asked: Asked) -> datetime | None:
    since_ms = asked.number("since", 0, 2**43, least=0)
    return datetime.fromtimestamp(since_ms / 1000, UTC) if since_ms else None


_READ = Scope.READ
ENDPOINTS = (
    Endpoint("GET", "/api/stats/agents/{name}/runs", _READ, "", agent_runs),
    Endpoint("GET", "/api/stats/agents/{name}/runs/{id}", _READ, "", agent_run),
    Endpoint("GET", "/api/stats/triggers", _READ, "", run_triggers),
    Endpoint("GET", "/api/stats/jobs", _READ, "", jobs),
    Endpoint("GET", "/api/stats/activity", _READ, "", activity),
    Endpoint("GET", "/api/stats/webhooks/{id}", _READ, "", receipt),
    Endpoint("POST", "/api/webhooks/{id}/replay", Scope.TRIGGER, "", replay),
)
