"""The `Engine` seam: where runs run. Docker, another OS user, or a fake; later a node."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from freehold.project.names import BASE_IMAGE
from freehold.wire import places


class Network(StrEnum):
    ALLOWLIST = "allowlist"
    OPEN = "open"
    NONE = "none"


LABEL_PREFIX = "dev.freehold"


@dataclass(frozen=True)
class RunSpec:
    """One run, as an engine needs it. Paths are on this host; sizes are bytes; nothing in it is secret.

    `mount` becomes `/run/freehold`; `agent_dir`, `shared_dir` and `credentials_dir` are mounted read-only.
    `project` is unique on this host; with `agent` and `slot` it names the workspace that is kept between runs.
    """

    run_id: str
    project: str
    agent: str
    attempt: int
    slot: int
    image: str
    mount: Path
    agent_dir: Path
    credentials_dir: Path
    shared_dir: Path | None
    network: Network
    memory_bytes: int
    cpus: float
    timeout_s: int
    started_at: str
    """RFC 3339; kept with the run so that a keeper that re-adopts it knows what is left of the timeout."""
    command: tuple[str, ...] = ()
    """Instead of the image's entry point; the empty tuple means the runner."""
    run_as: str = ""
    groups: tuple[str, ...] = ()
    as_caller: bool = False
    base_image: str = f"{BASE_IMAGE}:latest"
    """What `image` was made from, before the agent's author had a hand in it: what helps a run is of this image."""

    @property
    def labels(self) -> dict[str, str]:
        """What is written on the container and read back on re-adoption (`docs/interfaces.md`, "Files and names")."""
        values = {
            "project": self.project,
            "agent": self.agent,
            "run": self.run_id,
            "attempt": str(self.attempt),
            "slot": str(self.slot),
            "started": self.started_at,
            "timeout": str(self.timeout_s),
        }
        return {f"{LABEL_PREFIX}.{key}": value for key, value in values.items()}


@dataclass(frozen=True)
class Inside:
    """Where things are as the run sees them: the paths that go into its brief. Docker has the defaults."""

    run_dir: str = places.RUN_DIRECTORY
    agent_dir: str = places.AGENT_DIRECTORY
    shared_dir: str = places.SHARED_DIRECTORY
    credentials_dir: str = places.CREDENTIALS_DIRECTORY
    workspace_dir: str = places.WORKSPACE_DIRECTORY
    working_dir: str = places.WORKING_DIRECTORY
    home_dir: str = places.HOME_DIRECTORY
    bin_dir: str = places.BIN_DIRECTORY


@dataclass(frozen=True)
class Place:
    """Where the parts of one run are to be put (`RunDirectory.create`), and where the run will find them.

    `exposed` and `credentials` are directories on this host that the run's user can reach and other users cannot;
    None: the run directory itself, which bind mounts open to the run.
    """

    inside: Inside = Inside()
    exposed: Path | None = None
    credentials: Path | None = None
    uid: int | None = None
    """The run's user on this host, so that its socket can refuse everybody else; None where only the run reaches it."""
    warnings: tuple[str, ...] = ()
    """What a person should know of this place, in sentences: limits that are not enforced, a user who is their own."""


@dataclass(frozen=True)
class Exit:
    """How a run's process ended. `output` is the end of what it wrote to its standard streams (≤ 4 kB), for errors.

    `out_of_memory`: the kernel killed a process of the run for want of memory. The run may have survived that (a tool
    of the agent was killed, not the runner), so with `code` 0 it is a warning and with another code the likely reason.
    `workspace_full`: the run held more than its workspace may hold, and was ended if it had not ended by itself.
    `engine_was_away`: the engine went away while the run was waited for, and perhaps ended it.
    """

    code: int
    out_of_memory: bool = False
    output: str = ""
    workspace_full: bool = False
    engine_was_away: bool = False


@dataclass(frozen=True)
class Found:
    """A run that an engine still knows, running or ended, read back from labels."""

    run_id: str
    agent: str
    attempt: int
    slot: int
    started_at: str
    timeout_s: int
    running: bool
    started: bool = True
    """False: it was made, but the engine died before it ran. `start` may be called again, and starts it."""

    @classmethod
    def of(cls, labels: Mapping[str, str], *, running: bool, started: bool = True) -> Found:
        """What `RunSpec.labels` wrote, read back. A label that is missing has its plainest value."""

        def label(key: str) -> str:
            return labels.get(f"{LABEL_PREFIX}.{key}", "")

        return cls(
            run_id=label("run"),
            agent=label("agent"),
            attempt=int(label("attempt") or 1),
            slot=int(label("slot") or 0),
            started_at=label("started"),
            timeout_s=int(label("timeout") or 0),
            running=running,
            started=started,
        )


@dataclass(frozen=True)
class Readiness:
    """Whether an engine can be used now; `problem` and `hint` are sentences for a person when it cannot."""

    ready: bool
    version: str = ""
    problem: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = field(default=())


class Shell(Protocol):
    """A terminal inside a run."""

    def output(self) -> AsyncIterator[bytes]: ...

    async def send(self, data: bytes) -> None: ...

    async def resize(self, columns: int, rows: int) -> None: ...

    async def close(self) -> int:
        """End it; its exit code."""
        ...


class Engine(Protocol):
    """Starts runs and keeps them apart.

    Promises, for every implementation (`tests/…/contract`):
    - `place` is idempotent by run id, and is asked before the run directory is made; `remove` gives the place back.
    - `start` is idempotent by run id: a second call for a run that the engine knows changes nothing. When it fails,
      nothing of the run is left but its place.
    - a run that the engine started outlives the process that called `start`.
    - `wait` answers for ended runs too, as often as asked, until `remove`.
    - `kill` is a no-op on a run that ended or that the engine does not know.
    - `find` names every run of the project that was started and not removed.
    - after `remove` nothing of the run is left but its workspace.
    - they raise `FreeholdError` and nothing else for what the outside does wrong.
    """

    name: str

    async def check(self) -> Readiness: ...

    async def place(
        self, run_id: str, project: str, agent: str, slot: int, *, run_as: str = "", as_caller: bool = False
    ) -> Place:
        """Decide where a run will live. `run_as` and `as_caller` as in `RunSpec`; Docker has no use for them."""
        ...

    async def start(self, spec: RunSpec) -> None: ...

    async def wait(self, run_id: str) -> Exit:
        """How the run ended, once it has. NOT_FOUND when the engine does not know it."""
        ...

    async def kill(self, run_id: str, grace_s: float = 0.0) -> None:
        """SIGTERM, then after `grace_s` SIGKILL to every process of the run."""
        ...

    async def find(self, project: str) -> list[Found]: ...

    async def remove(self, run_id: str) -> None: ...

    async def shell(self, run_id: str, command: tuple[str, ...], columns: int, rows: int) -> Shell: ...
