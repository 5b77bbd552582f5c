"""The `Engine` without machines: runs are scripted, time is a `Clock`, and nothing is started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.runtime.engine import Exit, Found, Place, Readiness, RunSpec, Shell
from freehold.runtime.kept_workspaces import KeptWorkspace
from freehold.wire import places

_KILLED = 137
_TERMINATED = 143


@dataclass(frozen=True)
class FakeRun:
    """What a scripted run does: append `lines` to its events file, last `lasts_s` (None: until killed), then end.

    `act` plays the runner instead of waiting: it may connect to the run's socket, and its result is the exit code.
    `refuses` makes the start fail. A run that `ignores_term` dies of SIGKILL alone. `engine_was_away`: as in `Exit`.
    """

    code: int = 0
    lasts_s: float | None = 0.0
    output: str = ""
    out_of_memory: bool = False
    workspace_full: bool = False
    engine_was_away: bool = False
    ignores_term: bool = False
    lines: tuple[bytes, ...] = ()
    act: Callable[[RunSpec], Awaitable[int]] | None = None
    refuses: FreeholdError | None = None


@dataclass
class _Process:
    spec: RunSpec
    script: FakeRun
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    exit: Exit | None = None
    task: asyncio.Task[None] | None = None

    def end(self, result: Exit) -> None:
        if self.exit is None:
            self.exit = result
            self.ended.set()


class FakeHost:
    """The machine behind fake engines: it outlives them, as a Docker engine outlives its clients.

    `script` says what each run does; `unready` makes `check` fail and every call raise it; so many removals fail as
    `stuck` says.
    """

    def __init__(self, script: Callable[[RunSpec], FakeRun] = lambda _: FakeRun()) -> None:
        self.script = script
        self.unready: FreeholdError | None = None
        self.stuck = 0
        self.processes: dict[str, _Process] = {}
        self.workspaces: dict[KeptWorkspace, int] = {}
        """What is kept, each with its size in bytes; a run's start makes its own."""
        self.starts: list[RunSpec] = []
        """Every start that did something, in order."""

    async def close(self) -> None:
        """End everything that still runs."""
        tasks = [process.task for process in self.processes.values() if process.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class FakeEngine:
    name = "fake"

    def __init__(self, clock: Clock, host: FakeHost) -> None:
        self._clock = clock
        self._host = host

    async def check(self) -> Readiness:
        problem = self._host.unready
        if problem is not None:
            return Readiness(ready=False, problem=problem.message, hint=problem.hint)
        return Readiness(ready=True, version="fake")

    async def place(self, run_id: str, project: str, agent: str, slot: int, **_: object) -> Place:  # noqa: ARG002
        self._answer()
        return Place()

    async def start(self, spec: RunSpec) -> None:
        self._answer()
        if spec.run_id in self._host.processes:
            return
        script = self._host.script(spec)
        if script.refuses is not None:
            raise script.refuses
        process = _Process(spec, script)
        self._host.processes[spec.run_id] = process
        self._host.starts.append(spec)
        self._host.workspaces.setdefault(_workspace(spec.project, spec.agent, spec.slot), 0)
        process.task = asyncio.create_task(self._play(process))

    async def wait(self, run_id: str) -> Exit:
        process = self._get(run_id)
        await process.ended.wait()
        assert process.exit is not None
        return process.exit

    async def kill(self, run_id: str, grace_s: float = 0.0) -> None:
        self._answer()
        process = self._host.processes.get(run_id)
        if process is None or process.exit is not None:
            return
        if grace_s > 0 and not process.script.ignores_term:
            process.end(Exit(_TERMINATED, output=process.script.output))
        else:
            await self._clock.sleep(grace_s)
            process.end(Exit(_KILLED, output=process.script.output))
        await _stop(process)

    async def find(self, project: str) -> list[Found]:
        self._answer()
        return [_as_found(process) for process in self._host.processes.values() if process.spec.project == project]

    async def remove(self, run_id: str) -> None:
        self._answer()
        if self._host.stuck:
            self._host.stuck -= 1
            raise FreeholdError(Code.UNREACHABLE, f"{run_id} cannot be removed now")
        process = self._host.processes.pop(run_id, None)
        if process is not None:
            process.end(Exit(_KILLED))
            await _stop(process)

    async def shell(self, run_id: str, command: tuple[str, ...], columns: int, rows: int) -> Shell:
        process = self._get(run_id)
        if process.exit is not None:
            raise FreeholdError(Code.CONFLICT, f"Run {run_id} has ended.")
        return FakeShell(command, columns, rows)

    async def workspaces(self, project: str) -> list[KeptWorkspace]:
        self._answer()
        kept = [one for one in self._host.workspaces if one.project == project]
        return sorted(kept, key=lambda one: (one.agent, one.slot))

    async def workspace_sizes(self, kept: Sequence[KeptWorkspace]) -> list[int | None]:
        self._answer()
        return [self._host.workspaces.get(one) for one in kept]

    async def give_up_workspace(self, project: str, agent: str, slot: int) -> None:
        self._answer()
        wanted = (project, agent, slot)
        if any((had.spec.project, had.spec.agent, had.spec.slot) == wanted for had in self._host.processes.values()):
            raise FreeholdError(Code.CONFLICT, f"A run has the workspace of {agent}.")
        self._host.workspaces.pop(_workspace(project, agent, slot), None)

    def _answer(self) -> None:
        if self._host.unready is not None:
            raise self._host.unready

    def _get(self, run_id: str) -> _Process:
        self._answer()
        process = self._host.processes.get(run_id)
        if process is None:
            raise FreeholdError(Code.NOT_FOUND, f"The fake engine knows no run {run_id}.")
        return process

    async def _play(self, process: _Process) -> None:
        script = process.script
        try:
            with (process.spec.mount / places.EVENTS_FILE).open("ab") as events:
                events.writelines(script.lines)
            code = await self._act(process)
        except Exception as error:  # whatever a script gets wrong must end its run, and not hang the test
            process.end(Exit(1, output=repr(error)))
            raise
        process.end(Exit(code, script.out_of_memory, script.output, script.workspace_full, script.engine_was_away))

    async def _act(self, process: _Process) -> int:
        script = process.script
        if script.act is not None:
            return await script.act(process.spec)
        if script.lasts_s is None:
            await process.ended.wait()
        else:
            await self._clock.sleep(script.lasts_s)
        return script.code


class FakeShell:
    """A terminal that shows what is typed; Ctrl-D ends it."""

    def __init__(self, command: tuple[str, ...], columns: int, rows: int) -> None:
        self._typed: asyncio.Queue[bytes] = asyncio.Queue()
        self.command = command
        self.size = (columns, rows)

    async def output(self) -> AsyncIterator[bytes]:
        while (data := await self._typed.get()) != b"\x04":
            yield data

    async def send(self, data: bytes) -> None:
        await self._typed.put(data)

    async def resize(self, columns: int, rows: int) -> None:
        self.size = (columns, rows)

    async def close(self) -> int:
        await self._typed.put(b"\x04")
        return 0


def _workspace(project: str, agent: str, slot: int) -> KeptWorkspace:
    return KeptWorkspace(project, agent, slot, f"fake-{project}-{agent}-{slot}")


async def _stop(process: _Process) -> None:
    if process.task is not None:
        process.task.cancel()
        await asyncio.gather(process.task, return_exceptions=True)


def _as_found(process: _Process) -> Found:
    spec = process.spec
    return Found(
        spec.run_id, spec.agent, spec.attempt, spec.slot, spec.started_at, spec.timeout_s, process.exit is None
    )
