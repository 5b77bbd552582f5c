"""The scheduler's seam to the keeper: begin runs, end them, and hear how they stand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Protocol

from freehold.base.errors import Code, FreeholdError
from freehold.wire.keeper import Spent
from freehold.wire.runs import RunView, StartRun


class KeeperAwayError(FreeholdError):
    """The keeper cannot be asked, or went away while it was: whether it did what it was asked for is not known."""

    def __init__(self, message: str = "the keeper does not answer") -> None:
        super().__init__(Code.UNREACHABLE, message, "It is started again; its log is .freehold/keeper.log.")


@dataclass(frozen=True)
class Watch:
    """The runs that are under way, and after that every change of any. `changes` ends when the keeper goes away."""

    under_way: tuple[RunView, ...]
    changes: AsyncIterator[RunView]


class RunKeeper(Protocol):
    """Every call may be made again with the same effect. `KeeperAwayError` is raised while there is no keeper."""

    async def start(self, request: StartRun) -> RunView:
        """Begin a run, or say how the one with this id stands. Raises what keeps it from beginning: CONFIG,
        CREDENTIAL, NOT_FOUND, UNREACHABLE; there is no such run then."""
        ...

    async def kill(self, run_id: str, reason: str) -> None:
        """Ask a run to end; one that has ended stays as it is. Raises NOT_FOUND."""
        ...

    async def watch(self) -> Watch:
        """Follow all runs, those included that others started. Starts a keeper when there is none."""
        ...

    async def spent(self) -> Spent: ...

    async def past(self, before: str, limit: int) -> list[RunView]:
        """Runs from the newest on, those queued before the run id `before` (empty: all)."""
        ...

    async def prune_runs(self, before: str, keep: Collection[str], limit: int) -> int:
        """Remove up to `limit` runs queued before a moment (RFC 3339), never one that is under way; how many."""
        ...

    async def used_revisions(self) -> list[str]:
        """The revisions of the project that runs under way use."""
        ...
