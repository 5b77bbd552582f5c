"""The runs that are under way, and what may be asked of them."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory
from freehold.base.ids import agent_of
from freehold.base.threads import in_thread
from freehold.keeper.adopt import Adoption
from freehold.keeper.chat_record import chat_of
from freehold.keeper.chats import require_chat
from freehold.keeper.event_log import each_event
from freehold.keeper.history import EVENTS, RUNS, record_of, views
from freehold.keeper.means import Means
from freehold.keeper.outcome import Stop
from freehold.keeper.pruning import prune
from freehold.keeper.readiness import require_engine, require_ready
from freehold.keeper.record import RECORD_FILE, Record, RecordFile
from freehold.keeper.rpc_server import Caller
from freehold.keeper.run import Run
from freehold.keeper.unfinished import mark, unmark
from freehold.wire.events import RunQueued
from freehold.wire.keeper import AnswerPermission, AttachRun, KillRun, ListRuns, PruneRuns
from freehold.wire.run_api import ExitCode
from freehold.wire.runs import Result, RunError, RunState, RunView, StartRun

_logger = logging.getLogger(__name__)


class Keeper:
    """Owns every run of one project. Its verbs may be called again with the same effect."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._runs: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._expected: dict[str, asyncio.Event] = {}

    @property
    def active_runs(self) -> int:
        return len(self._tasks)

    async def start(self, _caller: Caller, request: StartRun) -> RunView:
        """Begin a run, durably, and say how it stands. A run id that is known is not begun again.

        Raises what keeps the run from beginning: CONFIG, CREDENTIAL, NOT_FOUND, UNREACHABLE. No run is recorded then.
        """
        if agent_of(request.run_id) != request.agent:
            raise FreeholdError(Code.USAGE, f"{request.run_id!r} is no run id of agent {request.agent!r}")
        if known := self._view_of(request.run_id):
            return known
        project = self._means.load(request.options.environment, request.options.revision)
        agent = project.agent(request.agent)
        require_ready(self._means, agent, request.options)
        require_chat(agent, request)
        if request.trigger.id:
            # Whoever dispatches it lets it wait while Docker is restarted; a person is told by the run itself.
            await require_engine(self._means, agent.engine)
            if known := self._view_of(request.run_id):  # asked for a second time meanwhile
                return known
        run = self._record_new(request, agent.engine, project.unique_name)
        self.carry_out(run, Adoption.PREPARE)
        return run.view

    async def attach(self, caller: Caller, request: AttachRun) -> RunView:
        """Send the run's events after `after_seq` as `run/event`; with `follow`, up to `run.finished`."""
        await self.until_adopted(request.run_id)
        view = self.view(request.run_id)
        caller.spawn(self._send_events(caller, request))
        return view

    async def kill(self, _caller: Caller, request: KillRun) -> RunView:
        """Ask the run to end. One that has ended stays as it is."""
        await self.until_adopted(request.run_id)
        view = self.view(request.run_id)
        if run := self._runs.get(request.run_id):
            error = RunError(Code.INTERRUPTED, request.reason, f"Start it again: freehold run {view.agent}")
            run.stop(Stop(Result.KILLED, error, exit_code=ExitCode.KILLED))
        return view

    async def list(self, _caller: Caller, request: ListRuns) -> list[RunView]:
        on_disk = await in_thread(views, self._means.state, request.agent, request.limit, request.before)
        return [self._runs[view.run_id].view if view.run_id in self._runs else view for view in on_disk]

    async def prune(self, _caller: Caller, request: PruneRuns) -> int:
        """Remove old runs from the disk, some of them; how many. None that is under way, or to be adopted."""
        held = {*self._runs, *self._expected, *request.keep}
        return await in_thread(prune, self._means.state, request.before, held, request.limit)

    async def used_revisions(self, _caller: Caller, _request: object) -> Sequence[str]:
        """The revisions of the project that runs use: whoever makes revisions leaves those."""
        used = {run.file.record.start.options.revision for run in self._runs.values()}
        for run_id in list(self._expected):  # to be adopted: known by their records only
            record = record_of(self._means.state, run_id)
            used |= {record.start.options.revision} if record else set()
        used -= {""}
        await in_thread(self._means.forget_revisions, used)
        return sorted(used)

    async def watch(self, caller: Caller, _request: object) -> Sequence[RunView]:
        """The runs that are under way; from now on the client is told of every change of any (`run/changed`)."""
        watcher = self._means.watchers.add()

        async def tell() -> None:
            try:
                while True:
                    await caller.notify("run/changed", await watcher.next())
            finally:
                watcher.close()

        caller.spawn(tell())
        return [run.view for run in self._runs.values()]

    async def answer(self, _caller: Caller, request: AnswerPermission) -> None:
        """A person's answer to `permission.asked`. Raises NOT_FOUND when nothing is asked (any more)."""
        await self.until_adopted(request.run_id)
        run = self._runs.get(request.run_id)
        if run is None or run.permissions is None:
            raise FreeholdError(Code.NOT_FOUND, f"nothing is asked in {request.run_id}")
        run.permissions.answer(request.permission_id, request.option_id)

    async def let_go(self) -> None:
        """Stop watching; the runs go on and the next keeper adopts them."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def abandon(self) -> None:
        """End and remove every run: the project's state is gone, and with it what another keeper could go on from."""
        runs = list(self._runs.values())
        await self.let_go()
        for run in runs:
            _logger.error("a run is ended, because the project's state was removed", extra={"run_id": run.run_id})
            try:
                if run.engine:
                    await run.engine.remove(run.run_id)
                await run.directory.remove_secrets()
            except (FreeholdError, OSError) as error:
                _logger.warning("cleaning up failed", extra={"run_id": run.run_id, "error": str(error)})

    def expect(self, run_id: str) -> None:
        """The run will be adopted: whoever asks for it waits until then."""
        self._expected[run_id] = asyncio.Event()

    def expect_no_more(self, run_id: str) -> None:
        """It is adopted, or cannot be."""
        if expected := self._expected.pop(run_id, None):
            expected.set()

    def carry_out(self, run: Run, adoption: Adoption) -> None:
        """Let the run have its life, in a task of its own."""
        self._runs[run.run_id] = run
        self._means.watchers.tell(run.view)
        task = asyncio.create_task(run.carry_out(adoption), name=run.run_id)
        self._tasks[run.run_id] = task
        task.add_done_callback(lambda _: self._ended(run.run_id))
        self.expect_no_more(run.run_id)

    def active(self, run_id: str) -> Run | None:
        """The run, while it is under way."""
        return self._runs.get(run_id)

    def view(self, run_id: str) -> RunView:
        """How a run stands, under way or ended. Raises NOT_FOUND."""
        view = self._view_of(run_id)
        if view is None:
            raise FreeholdError(Code.NOT_FOUND, f"there is no run {run_id}", "`freehold runs` lists them.")
        return view

    def open_run(self, file: RecordFile) -> Run:
        return Run(self._means, file)

    def _record_new(self, request: StartRun, engine: str, project: str) -> Run:
        directory = self._means.state / RUNS / request.run_id
        view = RunView(
            run_id=request.run_id,
            agent=request.agent,
            attempt=request.attempt,
            trigger=request.trigger.without_payload(),
            state=RunState.QUEUED,
            queued_at=rfc3339(self._means.clock.now()),
            engine=engine,
        )
        try:
            mark(self._means.state, request.run_id)
            make_private_directory(directory)
            record = Record(view=view, start=request, project=project, chat=chat_of(request))
            run = self.open_run(RecordFile(directory / RECORD_FILE, record))
            run.save()
            run.log.append(RunQueued(agent=view.agent, attempt=view.attempt, trigger=view.trigger), durable=True)
        except (FreeholdError, OSError) as error:
            # The caller is told that there is no run; a later keeper must not find one.
            shutil.rmtree(directory, ignore_errors=True)
            unmark(self._means.state, request.run_id)
            raise _not_recorded(directory, error) from error
        return run

    async def until_adopted(self, run_id: str) -> None:
        """Waits while the run is to be taken over from the keeper before."""
        if expected := self._expected.get(run_id):
            await expected.wait()

    async def _send_events(self, caller: Caller, request: AttachRun) -> None:
        if run := self._runs.get(request.run_id):
            async for event in run.log.follow(request.after_seq, live=request.follow):
                await caller.notify("run/event", event)
        else:
            for event in each_event(self._means.state / RUNS / request.run_id / EVENTS, request.after_seq):
                await caller.notify("run/event", event)
        await caller.notify("run/end", request)

    def _ended(self, run_id: str) -> None:
        task = self._tasks.pop(run_id)
        self._runs.pop(run_id)
        if not task.cancelled() and (error := task.exception()):
            _logger.error("a run's task failed", extra={"run_id": run_id}, exc_info=error)

    def _view_of(self, run_id: str) -> RunView | None:
        if run := self._runs.get(run_id):
            return run.view
        record = record_of(self._means.state, run_id)
        return record.view if record else None


def _not_recorded(directory: Path, error: Exception) -> FreeholdError:
    if isinstance(error, FreeholdError):
        return error
    return FreeholdError(Code.DISK, f"{directory}: {error}", f"Make room on the disk that holds {directory.parent}.")
