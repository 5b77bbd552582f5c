"""The project as a whole: how it stands, whether it begins runs, what changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec

from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.streams import Piece
from freehold.store.api_keys import Scope
from freehold.wire.service import Change, Done, ProjectStatus


async def status(asked: Asked) -> ProjectStatus:
    await asked.gateway.count_dead_letters()
    found = asked.gateway.views.project(asked.service.clock.now())
    address = asked.gateway.address
    console = f"{address}/" if address and asked.gateway.has_console else ""
    return msgspec.structs.replace(found, refused=asked.gateway.refusals.views(), address=address, console=console)


async def pause(asked: Asked) -> Done:
    await asked.service.scheduler.pause(asked.actor.name, asked.noted("pause"))
    return _told(asked)


async def resume(asked: Asked) -> Done:
    await asked.service.scheduler.resume(asked.actor.name, asked.noted("resume"))
    return _told(asked)


def _told(asked: Asked) -> Done:
    """At once: what is taken back within a second nobody would see by looking (`watch_standing`)."""
    asked.gateway.changes.tell("queue")
    asked.gateway.changes.tell("project")
    return Done()


async def stop(asked: Asked) -> Done:
    await asked.note_if_possible("stop")
    asked.gateway.stop()
    return Done()


async def events(asked: Asked) -> object:
    return asked.gateway.streams.events(asked.actor, _changes(asked, asked.headers.get("last-event-id", "")[:100]))


async def _changes(asked: Asked, last_id: str) -> AsyncGenerator[Piece]:
    async for change_id, change in asked.gateway.changes.follow(last_id):
        yield change_id, change.type, msgspec.json.encode(change)


ENDPOINTS = (
    Endpoint("GET", "/status", Scope.READ, "How the project and its agents stand", status, answer=ProjectStatus),
    Endpoint("POST", "/pause", Scope.ADMIN, "Begin nothing any more; what comes waits", pause, answer=Done),
    Endpoint("POST", "/resume", Scope.ADMIN, "Begin what waits", resume, answer=Done),
    Endpoint("POST", "/stop", Scope.ADMIN, "End this service; runs go on", stop, answer=Done, status=202),
    Endpoint("GET", "/events", Scope.READ, "What changes, as server-sent events", events, answer=Change),
)
