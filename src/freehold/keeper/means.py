"""What runs are carried out with: the seams that the wiring fills, with real things or with fakes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from freehold.base.clock import Clock
from freehold.keeper.record import Moment, Step
from freehold.keeper.slots import Slots
from freehold.keeper.watchers import Watchers
from freehold.project.agent import Agent
from freehold.project.load import Project
from freehold.runtime.engine import Engine, Place
from freehold.runtime.kept_workspaces import WorkspaceKeeping
from freehold.store.credentials import CredentialStore
from freehold.wire.session import FromKeeper

if TYPE_CHECKING:
    from freehold.keeper.run import Run

LARGEST_LOG_BYTES = 512 * 1024 * 1024
"""Of one run's events, whichever way the run caused them. What its own file may hold (`testimony.py`) becomes four
times as much at most, with what the keeper adds to each line."""

Notice = Callable[[str, str], None]
"""Told of each build step: the image and a short line."""


class Images(Protocol):
    async def ensure(self, project: Project, agent: Agent, notice: Notice) -> str:
        """The name of the image that `agent` runs in, built first when it is missing."""
        ...


class Services(Protocol):
    """What answers on a run's socket: run API, model gateway, egress proxy."""

    def reload(self, project: Project, agent: Agent) -> None:
        """Take over rules that were edited while the run is under way."""
        ...

    def send(self, message: FromKeeper) -> None:
        """Say something to the run's runner, now or once it is there."""
        ...

    async def close(self, *, run_over: bool) -> None:
        """Stop answering; requests under way are cut and charged. May be called again.

        With `run_over` the run's accounts are closed too; without it another keeper will go on.
        """
        ...

    @property
    def rehearsal_problems(self) -> tuple[str, ...]: ...

    @property
    def models_exhausted(self) -> str:
        """Why no model answers any more; empty while one does."""
        ...


class OpenServices(Protocol):
    async def __call__(self, run: Run, project: Project, agent: Agent, *, serve: bool) -> Services:
        """Make what a run is served with. With `serve` its socket is opened; without, the run has ended, and what it
        has left undone (charges, a rehearsal) is taken up."""
        ...


class Load(Protocol):
    def __call__(self, environment: str, revision: str = "") -> Project:
        """The project as its files are, or as they were in a revision. Raises CONFIG, NOT_FOUND."""
        ...


@dataclass(frozen=True)
class Means:
    """`load` reads the project anew, so that an edit counts from the next run on, or a revision of it, which stays;
    `project_name` is its unique name.

    `state` is the keeper's own folder. `harness_command` is how an agent's harness starts at a place. `reached` is told
    each step of each run, before and after it is written down: tests kill the keeper there. `close_dead_accounts` is
    told at a keeper's start which runs are alive, and closes what all others left open in the ledger.
    """

    root: Path
    state: Path
    clock: Clock
    load: Load
    project_name: Callable[[], str]
    engines: Mapping[str, Engine]
    images: Images
    credentials: CredentialStore
    slots: Slots
    open_services: OpenServices
    harness_command: Callable[[Agent, Place], tuple[str, ...]]
    close_dead_accounts: Callable[[Collection[str]], None] = lambda _alive: None
    watchers: Watchers = field(default_factory=Watchers)
    largest_log_bytes: int = LARGEST_LOG_BYTES
    workspaces: Mapping[str, WorkspaceKeeping] = field(default_factory=dict)
    """Of each engine that keeps some, by its name."""
    forget_revisions: Callable[[Collection[str]], None] = lambda _used: None
    """Told which revisions are still used, to let go of what was kept of others."""
    is_asked_by_another: bool = False
    """Whether who asks is another user than the keeper: the gateway on a server, which the internet talks to."""
    reached: Callable[[str, Step, Moment], None] = lambda _run_id, _step, _moment: None
