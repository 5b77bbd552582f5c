"""`shell/open`: a terminal where an agent works, for a person who wants to look."""

from __future__ import annotations

import contextlib

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.keeper.keeper import Keeper
from freehold.keeper.means import Means
from freehold.keeper.outcome import Stop
from freehold.keeper.rpc_server import Caller
from freehold.keeper.run import Run
from freehold.runtime.engine import Shell
from freehold.wire.keeper import OpenShell, ShellClosed, ShellData, ShellSize
from freehold.wire.runs import Phase, Result, RunOptions, StartRun, Trigger, TriggerType

_LOOK_INTERVAL_S = 0.05
_PATIENCE_S = 10.0


class Shells:
    """Opens terminals inside runs; for an agent, in a run of its own that does nothing but wait."""

    def __init__(self, keeper: Keeper, means: Means) -> None:
        self._keeper = keeper
        self._means = means
        self._left: dict[str, str] = {}
        """By agent, the run of the terminal that was left last: it gives its place back within a second or so."""

    async def open(self, caller: Caller, request: OpenShell) -> None:
        """Raises CONFLICT for an agent whose places are all taken: its run can be looked into instead."""
        run = self._keeper.active(request.target)
        own = run is None
        if run is None:
            run = await self._start_idle_run(caller, request)
        try:
            assert run.engine is not None
            # `fh shell` gives what is started the environment of the agent: credentials, proxy, PATH.
            command = (f"{run.place.inside.bin_dir}/fh", "shell", *request.command)
            shell = await run.engine.shell(run.run_id, command, request.columns, request.rows)
        except BaseException:
            if own:
                run.stop(Stop(Result.ERROR), grace_s=0)
            raise
        _receive(caller, shell)
        caller.spawn(self._show(caller, shell, run if own else None))

    async def _start_idle_run(self, caller: Caller, request: OpenShell) -> Run:
        project = self._means.load(request.options.environment)
        agent = project.agent(request.target)
        await self._until_gone(self._left.get(agent.name, ""))
        if not self._means.slots.is_free(agent.name, agent.scale):
            raise FreeholdError(
                Code.CONFLICT,
                f'agent "{agent.name}" is at work, and its workspace is its own meanwhile',
                "Look into its run: freehold shell RUN (`freehold runs` shows the id).",
            )
        start = StartRun(
            new_run_id(agent.name),
            agent.name,
            Trigger(TriggerType.MANUAL, source="shell"),
            options=RunOptions(environment=request.options.environment, idle=True, as_caller=request.options.as_caller),
        )
        await self._keeper.start(caller, start)
        return await self._until_running(start.run_id)

    async def _until_gone(self, run_id: str) -> None:
        deadline = self._means.clock.monotonic() + _PATIENCE_S
        while self._keeper.active(run_id) and self._means.clock.monotonic() < deadline:
            await self._means.clock.sleep(_LOOK_INTERVAL_S)

    async def _until_running(self, run_id: str) -> Run:
        while run := self._keeper.active(run_id):
            if run.phases.current is Phase.SESSION:  # the runner has set everything up
                return run
            await self._means.clock.sleep(_LOOK_INTERVAL_S)
        view = self._keeper.view(run_id)
        error = view.error
        message = error.message if error else "the container did not start"
        raise FreeholdError(Code(error.code) if error else Code.FAILED, message, error.hint if error else "")

    async def _show(self, caller: Caller, shell: Shell, own_run: Run | None) -> None:
        """Send what the terminal shows until it ends or the person leaves; a run of its own ends with it."""
        try:
            async for data in shell.output():
                await caller.notify("shell/data", ShellData(data))
        finally:
            exit_code = await shell.close()
            if own_run:
                self._left[own_run.view.agent] = own_run.run_id
                own_run.stop(Stop(Result.COMPLETED, exit_code=0), grace_s=0)
            with contextlib.suppress(ConnectionError):
                await caller.notify("shell/closed", ShellClosed(exit_code))


def _receive(caller: Caller, shell: Shell) -> None:
    async def typed(params: msgspec.Raw) -> None:
        await shell.send(msgspec.json.decode(params, type=ShellData).data)

    async def resized(params: msgspec.Raw) -> None:
        size = msgspec.json.decode(params, type=ShellSize)
        await shell.resize(size.columns, size.rows)

    caller.on("shell/data", typed)
    caller.on("shell/resize", resized)
