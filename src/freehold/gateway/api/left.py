"""What a run left: its files and what it changed in repositories. An agent wrote all of that: nothing of it is shown as
a page of ours, whatever it calls itself."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import quote

from starlette.responses import Response

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import one_line
from freehold.gateway.api.runs import one
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.store.api_keys import Scope
from freehold.wire.left import LONGEST_PATH, LeftContent, RunLeft

_HARMLESS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


async def told(asked: Asked) -> RunLeft:
    view = await one(asked)
    return await asked.gateway.run_events.left(view.run_id)


async def content(asked: Asked) -> LeftContent:
    view, path = await one(asked), asked.query.get("path", "")
    if not path or len(path) > LONGEST_PATH:
        raise FreeholdError(Code.USAGE, f"path has 1 to {LONGEST_PATH} characters", "It is as the list has it.")
    return await asked.gateway.run_events.left_content(view.run_id, path)


async def download(asked: Asked) -> Response:
    found = await content(asked)
    return _attachment(found.content, PurePosixPath(asked.query["path"]).name)


async def patch(asked: Asked) -> Response:
    view = await one(asked)
    left = await asked.gateway.run_events.left(view.run_id)
    return _attachment("".join(one.patch for one in left.repositories).encode(), f"{view.run_id}.patch")


def _attachment(data: bytes, name: str) -> Response:
    """A browser saves it, and does not look what it may be."""
    named = quote(one_line(name) or "file", safe="")
    headers = {**_HARMLESS, "Content-Disposition": f"attachment; filename*=UTF-8''{named}"}
    return Response(data, headers=headers, media_type="application/octet-stream")


ENDPOINTS = (
    Endpoint("GET", "/runs/{id}/left", Scope.READ, "The files that it left, and what it changed in git repositories",
             told, answer=RunLeft),
    Endpoint("GET", "/runs/{id}/left/content", Scope.READ, "One of these files, in base64", content,
             answer=LeftContent, query=("path",)),
    Endpoint("GET", "/runs/{id}/left/file", Scope.READ, "One of these files, to be saved", download, query=("path",)),
    Endpoint("GET", "/runs/{id}/left/patch", Scope.READ, "All changes as one patch, to be saved", patch),
)  # fmt: skip
