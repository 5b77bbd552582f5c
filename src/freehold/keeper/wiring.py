"""Real things in the keeper's seams: Docker, files, the network. Nothing is decided here."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from freehold.base.clock import SystemClock
from freehold.egress.dialer import Dialer
from freehold.keeper.history import records
from freehold.keeper.images import AgentImages
from freehold.keeper.mcp_relay import mcp_client
from freehold.keeper.means import Means
from freehold.keeper.run import Run
from freehold.keeper.scheduler import AttachedScheduler
from freehold.keeper.services import RunServices, ServiceMeans
from freehold.keeper.slots import Slots
from freehold.models.circuit import Circuit
from freehold.models.http_model import open_session
from freehold.models.ledger import Ledger
from freehold.project.agent import Agent
from freehold.project.harnesses import BUILTIN
from freehold.project.load import Project, load_project, unique_name_of
from freehold.project.state import is_placed, keeper_directory, state_directory
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.engine import Engine, Place
from freehold.runtime.host.account import DEFAULT_RUN_AS
from freehold.runtime.host_user import HostUserEngine
from freehold.runtime.host_workspaces import HostUserWorkspaces
from freehold.runtime.images.harness_layers import HARNESS_LAYERS
from freehold.runtime.pushed_revisions import PushedRevisions
from freehold.runtime.revisions import Revisions
from freehold.store.credentials import FileCredentialStore
from freehold.wire.keeper import Spent

DOCKER = "docker"
HOST_USER = "host-user"
_MOST_LOADED = 3
"""Revisions kept in memory: runs begin from the newest, and those of before are asked for seldom."""


def gateway_user(project: Path) -> int | None:
    """The user that the gateway is on a server: its own folder tells. None on a person's machine."""
    return state_directory(project).stat().st_uid if is_placed() else None


def revisions_of(project: Path, home: Path) -> Revisions | PushedRevisions:
    """Those that are there; of a gateway that is another user, they are not taken as they are."""
    claimed = Revisions(state_directory(project))
    if gateway_user(project) in (None, os.geteuid()):
        return claimed
    return PushedRevisions(project, home, claimed, Revisions(keeper_directory(project)))


class Wiring:
    """Opens and closes what a keeper works with."""

    def __init__(self, project: Path, home: Path) -> None:
        self._root = project
        self._home = home
        self._open = AsyncExitStack()
        self._clock = SystemClock()
        state = keeper_directory(project)
        self.docker = DockerEngine(self._clock, state / "workspaces")
        self.images = AgentImages(os.environ.get("DOCKER_HOST", ""), self.project_name)
        self._ledger = Ledger(state / "spend.json", self._clock)
        self._services: ServiceMeans | None = None
        self._revisions = revisions_of(project, home)
        self._loaded: dict[tuple[str, str], Project] = {}
        self.scheduler = AttachedScheduler()
        self.means = Means(
            root=project,
            state=state,
            clock=self._clock,
            load=self.load,
            project_name=self.project_name,
            engines=self._engines(state),
            images=self.images,
            credentials=FileCredentialStore(home),
            slots=Slots(),
            open_services=self._open_services,
            harness_command=harness_command,
            close_dead_accounts=self._ledger.close_dead_runs,
            workspaces={DOCKER: self.docker, HOST_USER: self._host_workspaces(state)},
            forget_revisions=self._forget_revisions,
            is_asked_by_another=gateway_user(project) not in (None, os.geteuid()),
        )

    async def __aenter__(self) -> Self:
        http = await self._open.enter_async_context(open_session())
        mcp_http = await self._open.enter_async_context(mcp_client())
        self._open.push_async_callback(self.docker.close)
        self._open.push_async_callback(self.images.close)
        self._services = ServiceMeans(
            http=http,
            mcp_http=mcp_http,
            circuit=Circuit(),
            dialer=Dialer,
            ledger=self._ledger,
            clock=self._clock,
            credentials=self.means.credentials,
            scheduler=self.scheduler,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def load(self, environment: str, revision: str = "") -> Project:
        """As `means.load`. A revision does not change: it is read once, however many agents it has."""
        if not revision:
            return load_project(self._root, home=self._home, environment=environment)
        path = self._revisions.path_of(revision)
        key = (environment, revision)
        if key not in self._loaded:
            while len(self._loaded) >= _MOST_LOADED:
                del self._loaded[next(iter(self._loaded))]
            self._loaded[key] = load_project(self._root, home=self._home, environment=environment, revision=path)
        return self._loaded[key]

    def _forget_revisions(self, used: Collection[str]) -> None:
        if isinstance(self._revisions, PushedRevisions):
            self._revisions.prune(used)

    def project_name(self) -> str:
        return unique_name_of(self._root)

    def spent(self) -> Spent:
        """What runs cost today and this month. Raises CONFIG when the ledger is damaged."""
        today = self._ledger.today()
        book = self._ledger.read()
        return Spent(book.of_day(today).usd, book.of_month(today[:7]).usd)

    def _engines(self, state: Path) -> dict[str, Engine]:
        return {DOCKER: self.docker, HOST_USER: HostUserEngine(self._clock, state)}

    def _host_workspaces(self, state: Path) -> HostUserWorkspaces:
        def run_as() -> list[str]:
            agents = self.load("").agents.values()
            return sorted({DEFAULT_RUN_AS, *(agent.run_as for agent in agents if agent.is_host_user)})

        def ran() -> set[tuple[str, str, int]]:
            mine = (record for record in records(state) if record.view.engine == HOST_USER and record.slot is not None)
            return {(record.project, record.start.agent, record.slot or 0) for record in mine}

        return HostUserWorkspaces(HostUserEngine(self._clock, state), state, run_as, ran)

    async def _open_services(self, run: Run, project: Project, agent: Agent, *, serve: bool) -> RunServices:
        assert self._services is not None
        services = RunServices(run, self._services, project, agent)
        await services.open(serve=serve)
        return services


def harness_command(agent: Agent, place: Place) -> tuple[str, ...]:
    """How the agent's harness starts: our own from the place's programs, another from its image layer."""
    if agent.harness.name == BUILTIN:
        return (f"{place.inside.bin_dir}/harness",)
    layer = HARNESS_LAYERS.get(agent.harness.name)
    return layer.command if layer else agent.harness.command
