"""`/api/logs/*`: this process's own log, and what agents' runs said, filtered before a page is cut."""

from __future__ import annotations

import base64
import binascii
import contextlib
import itertools
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from freehold.base.bounded_search import matching_lines
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import agent_of
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.legacy.scan import Allowance, Entry, Scan
from freehold.gateway.run_events import ToldEvent
from freehold.project.names import agent_name_problem
from freehold.store import run_index
from freehold.store.api_keys import Scope

LEVELS = {"trace": 10, "debug": 20, "info": 30, "warn": 40, "warning": 40, "error": 50, "fatal": 60, "critical": 60}
MOST_LINES = 2000
MOST_RUNS = 20
MOST_ENTRIES = 20_000
"""That are looked at for one answer, the newest; the rest is in `/api/v1/runs/{id}/events`."""
_LATEST = 2**53


async def of_scheduler(asked: Asked) -> dict[str, Any]:
    entries = []
    for number, line in asked.gateway.log.lines:
        told = msgspec.json.decode(line, type=dict[str, Any])
        level = LEVELS.get(str(told.get("level")), 30)
        at_ms = _at_ms(str(told.get("ts", "")))
        entries.append(Entry(str(number), at_ms, level, {**told, "level": level, "time": at_ms}))
    return await answer(asked, Scan(entries))


async def of_agent(asked: Asked) -> dict[str, Any]:
    name = _agent(asked)
    return await answer(asked, await asked.gateway.scans.of(name, lambda: _of_runs(asked, name)))


async def _of_runs(asked: Asked, agent: str) -> Scan:
    views = await asked.service.database.read(lambda c: run_index.page(c, agent=agent, limit=MOST_RUNS))
    allowance, entries = Allowance(), list[Entry]()
    for view in views:  # the newest first: what is before those that are looked at need not be read
        if len(entries) < MOST_ENTRIES and not allowance.is_spent:
            entries.extend((await _of_run(asked, view.run_id, allowance)).entries)
    return Scan(sorted(entries, key=lambda entry: entry.at_ms)[-MOST_ENTRIES:], allowance.is_spent)


async def of_instance(asked: Asked) -> dict[str, Any]:
    name, run_id = _agent(asked), asked.path["id"]
    if agent_of(run_id) != name:
        raise FreeholdError(Code.USAGE, "Invalid instance ID")
    return await answer(asked, await asked.gateway.scans.of(run_id, lambda: _of_run(asked, run_id, Allowance())))


async def _of_run(asked: Asked, run_id: str, allowance: Allowance) -> Scan:
    found: deque[Entry] = deque(maxlen=MOST_ENTRIES)
    try:
        async with contextlib.aclosing(asked.gateway.run_events.follow(run_id, 0, live=False)) as events:
            async for event in events:
                if not allowance.take(len(event.line)):
                    return Scan(list(found), cut=True)
                found.append(_entry(run_id, event))
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND:
            raise
    return Scan(list(found))


def _entry(run_id: str, event: ToldEvent) -> Entry:
    told = msgspec.json.decode(event.line, type=dict[str, Any])
    at_ms, level = _at_ms(str(told.get("ts", ""))), _level(told)
    words = told.get("text") or told.get("title") or told.get("message") or event.type
    entry = {**told, "level": level, "time": at_ms, "instance": run_id, "msg": words}
    return Entry(f"{run_id}:{event.seq}", at_ms, level, entry)


async def answer(asked: Asked, scan: Scan) -> dict[str, Any]:
    """`cursor` asks for what came after, `back_cursor` for what came before. `truncated`: there was more to be read."""
    most = asked.number("lines", asked.number("limit", 200, MOST_LINES), MOST_LINES)
    cursor, back = _key(asked, "cursor"), _key(asked, "back_cursor")
    entries = _part(scan.entries, cursor, back)
    entries = await _filtered(asked, entries)
    page = entries[:most] if cursor else entries[-most:]
    return {
        "entries": [entry.told for entry in page],
        "cursor": _cursor(page[-1].key if page else cursor),
        "backCursor": _cursor(page[0].key if page else back),
        "hasMore": len(entries) > most,
        **({"truncated": True} if scan.cut else {}),
    }


def _part(entries: Sequence[Entry], cursor: str, back: str) -> Sequence[Entry]:
    if cursor and any(entry.key == cursor for entry in entries):
        entries = list(itertools.dropwhile(lambda entry: entry.key != cursor, entries))[1:]
    if back:
        entries = list(itertools.takewhile(lambda entry: entry.key != back, entries))
    return entries


async def _filtered(asked: Asked, entries: Sequence[Entry]) -> Sequence[Entry]:
    least = _least(asked.text("level"))
    after, before = asked.number("after", -1, _LATEST, least=0), asked.number("before", _LATEST, _LATEST)
    kept = [entry for entry in entries if entry.level >= least and after < entry.at_ms < before]
    if pattern := asked.text("grep"):
        lines = [msgspec.json.encode(entry.told).decode() for entry in kept]
        kept = [kept[number] for number in await matching_lines(pattern, lines)]
    return kept


def _agent(asked: Asked) -> str:
    name = asked.path["name"]
    if agent_name_problem(name):
        raise FreeholdError(Code.USAGE, "Invalid agent name")
    return name


def _least(level: str) -> int:
    if level.isascii() and level.isdigit():
        return int(level[:3])
    if level and level not in LEVELS:
        raise FreeholdError(Code.USAGE, f"level: there is no {level!r}")
    return LEVELS[level or "info"]


def _level(told: dict[str, Any]) -> int:
    if told.get("type") == "run.finished":
        return 30 if told.get("result") in ("completed", "rerun") else 50
    return LEVELS.get(str(told.get("level")), 50 if told.get("error") else 30)


def _at_ms(written: str) -> int:
    return int(datetime.fromisoformat(written).timestamp() * 1000) if written else 0


def _key(asked: Asked, name: str) -> str:
    try:
        return base64.b64decode(asked.text(name).encode(), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise FreeholdError(Code.USAGE, f"Invalid {name}") from None


def _cursor(key: str) -> str | None:
    return base64.urlsafe_b64encode(key.encode()).decode() if key else None


ENDPOINTS = (
    Endpoint("GET", "/api/logs/scheduler", Scope.ADMIN, "", of_scheduler),
    Endpoint("GET", "/api/logs/agents/{name}", Scope.READ, "", of_agent),
    Endpoint("GET", "/api/logs/agents/{name}/{id}", Scope.READ, "", of_instance),
)
