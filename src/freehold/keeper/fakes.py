"""Stand-ins for what a keeper needs from outside, for tests of whole commands: no Docker, no socket, no model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import FreeholdError
from freehold.keeper.control import Control
from freehold.keeper.means import Means, Notice
from freehold.keeper.run import Run
from freehold.keeper.slots import Slots
from freehold.project.agent import Agent
from freehold.project.load import Project, load_project, unique_name_of
from freehold.project.state import state_directory
from freehold.runtime.fake_engine import FakeEngine, FakeHost
from freehold.runtime.revisions import Revisions
from freehold.store.credentials import CredentialStore, MemoryCredentialStore
from freehold.wire.session import FromKeeper


class FakeImages:
    """Every image is there, or building it fails with `problem`; `gate` holds builds back until it is set."""

    def __init__(self, problem: FreeholdError | None = None) -> None:
        self.problem = problem
        self.gate = asyncio.Event()
        self.gate.set()

    async def ensure(self, project: Project, agent: Agent, notice: Notice) -> str:
        image = f"freehold-{project.unique_name}-{agent.name}:fake"
        notice(image, "Step 1/1: FROM freehold-agent")
        await self.gate.wait()
        if self.problem:
            raise self.problem
        return image


class FakeServices:
    """Answers nobody; `act` may use the run's `Control` as a runner would through its socket."""

    rehearsal_problems: tuple[str, ...] = ()
    models_exhausted = ""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.closed = False
        self.reloads = 0
        self.sent: list[FromKeeper] = []

    def reload(self, project: Project, agent: Agent) -> None:  # noqa: ARG002  the seam's words
        self.reloads += 1

    def send(self, message: FromKeeper) -> None:
        self.sent.append(message)

    async def close(self, *, run_over: bool) -> None:
        self.closed = run_over


def fake_means(
    root: Path,
    home: Path,
    host: FakeHost,
    *,
    images: FakeImages | None = None,
    clock: Clock | None = None,
    credentials: CredentialStore | None = None,
    opened: Callable[[Run, FakeServices], None] = lambda _run, _services: None,
) -> Means:
    """Means with a fake engine under both engines' names; `opened` is told when a run's services open."""
    clock = clock or SystemClock()

    async def open_services(run: Run, project: Project, agent: Agent, *, serve: bool) -> FakeServices:  # noqa: ARG001
        services = FakeServices(Control(run))
        opened(run, services)
        return services

    def load(environment: str, revision: str = "") -> Project:
        path = Revisions(state_directory(root)).path_of(revision) if revision else None
        return load_project(root, home=home, environment=environment, revision=path)

    engine = FakeEngine(clock, host)
    return Means(
        root=root,
        state=state_directory(root),
        clock=clock,
        load=load,
        project_name=lambda: unique_name_of(root),
        engines={"docker": engine, "host-user": engine},
        images=images or FakeImages(),
        credentials=credentials or MemoryCredentialStore(),
        slots=Slots(),
        open_services=open_services,
        harness_command=lambda _agent, _place: ("harness",),
        workspaces={"docker": engine},
    )
