"""What a run left: its files, one of them, and what it changed in repositories."""

from __future__ import annotations

from starlette.responses import Response

from freehold.base.errors import Code, FreeholdError
from freehold.console.difference import MOST_LINES, FileDifference, differences
from freehold.console.visit import Visit
from freehold.wire.left import LeftContent, RepositoryLeft, RunLeft
from freehold.wire.runs import RunState, RunView

LONGEST_TEXT = 256 * 1024


async def left_by(visit: Visit, run: RunView) -> RunLeft | None:
    """None where it is not known, and before the end."""
    if run.state is not RunState.FINISHED:
        return None
    try:
        found: RunLeft = await visit.get("/runs/{id}/left", id=run.run_id)
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND and error.code is not Code.UNREACHABLE:
            raise
        return None
    return found


async def every(visit: Visit) -> Response:
    run: RunView = await visit.get("/runs/{id}", id=visit.request.path_params["id"])
    left = await left_by(visit, run)
    return visit.page("left.html", run=run, left=left, changes=_changes(left.repositories if left else []))


async def one(visit: Visit) -> Response:
    run: RunView = await visit.get("/runs/{id}", id=visit.request.path_params["id"])
    path = visit.request.query_params.get("path", "")
    found: LeftContent = await visit.get("/runs/{id}/left/content", {"path": path}, id=run.run_id)
    text = found.content.decode(errors="replace")
    return visit.page("left_file.html", run=run, path=path, text=text[:LONGEST_TEXT], size=len(found.content))


def _changes(repositories: list[RepositoryLeft]) -> list[tuple[RepositoryLeft, list[FileDifference]]]:
    room, made = MOST_LINES, []
    for repository in repositories:
        found = differences(repository.patch, room)
        room -= sum(len(one.lines) for one in found)
        made.append((repository, found))
    return made
