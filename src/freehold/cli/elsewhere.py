"""Runs seen through a project's gateway: on another machine, and where they are another user's, as a push has it. For
commands that else read the files of runs."""

from __future__ import annotations

from collections.abc import Iterator

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import agent_of
from freehold.cli.context import LOCAL, Context, environment_of
from freehold.cli.gateway import gateway_in
from freehold.client.gateway import Gateway, in_path
from freehold.project.state import is_placed
from freehold.wire import events
from freehold.wire.events import AnyEvent
from freehold.wire.runs import RunView
from freehold.wire.service import Page

SHORTEST_END = 6
"""Characters of a run's id that may stand for it; as where files are read (`keeper/history.py`)."""
LARGEST_PAGE = 500


def gateway_elsewhere(context: Context) -> Gateway | None:
    """The gateway of the environment that counts. None where none does, and for an environment without an address: that
    one only lays its file over the configuration of this machine's project, whose runs are this user's files.

    Raises what `gateway_in` raises."""
    environment = environment_of(context)
    if not environment:
        return gateway_in(context, "") if is_placed() else None
    from freehold.client.environment_address import has_address

    return gateway_in(context, environment) if has_address(context.home, environment) else None


def whole_run_id(gateway: Gateway, target: str) -> str:
    """The run that `target` means: its id, or the end of it. Raises NOT_FOUND."""
    if agent_of(target):
        return target
    if len(target) >= SHORTEST_END:
        found = [run.run_id for run in latest_runs(gateway, "", LARGEST_PAGE) if run.run_id.endswith(target.lower())]
        if found:
            return found[0]
    raise FreeholdError(Code.NOT_FOUND, f'no run ends with "{target}"', "`freehold runs` lists them.")


def latest_run_id(gateway: Gateway, target: str) -> str:
    """The same; of an agent, or of the project when `target` is empty, the latest run."""
    if agent_of(target):
        return target
    found = latest_runs(gateway, target, 1)
    if not found and not target:
        raise FreeholdError(Code.NOT_FOUND, "this project has no runs there yet", "Start one: freehold run AGENT")
    return found[0].run_id if found else whole_run_id(gateway, target)


def latest_runs(gateway: Gateway, agent: str, limit: int) -> list[RunView]:
    return gateway.get("/runs", Page, agent=agent, limit=min(limit, LARGEST_PAGE)).runs


def not_elsewhere(context: Context, what: str) -> str:
    """What whoever names a server with -E is told of a command that is about this machine; else empty.

    Raises NOT_FOUND, CONFIG."""
    name = context.environment
    if not name or name == LOCAL:
        return ""
    from freehold.client.environment_address import has_address

    if not has_address(context.home, name):
        return ""
    return f"{what} on this machine, and not on {name}"


def events_of(gateway: Gateway, run_id: str) -> Iterator[AnyEvent]:
    """What there is, as far as the gateway tells it."""
    for line in gateway.lines(f"/runs/{in_path(run_id)}/events"):
        yield events.decode(line)
