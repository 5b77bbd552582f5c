"""One run, inside: set up, pre-hooks, context, session (or test script), post-hooks, and why it ended."""

from __future__ import annotations

import asyncio
import os
import traceback
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.excerpt import excerpt
from freehold.base.redaction import Redaction
from freehold.runner.chat import Chat
from freehold.runner.chat_phase import ChatPhase
from freehold.runner.children import GRACE_S, Children
from freehold.runner.context import inject
from freehold.runner.conversation import Conversation
from freehold.runner.credentials import read_credentials, write_ssh_key
from freehold.runner.ending import EndedError, Ending
from freehold.runner.environment import Scene, at_port, build_environment
from freehold.runner.event_file import EventFile
from freehold.runner.forward import Forwarder
from freehold.runner.harness_process import HarnessProcess
from freehold.runner.hooks import Stage, run_post_hooks, run_pre_hooks, run_script
from freehold.runner.keeper_session import KeeperSession
from freehold.runner.left import HURRY_S, LOOK_S, TELL_S, LeftBehind, tell
from freehold.runner.narrator import Narrator
from freehold.runner.refused import exit_code_of
from freehold.runner.session_phase import SessionPhase
from freehold.runner.shell_setup import keep_environment, write_programs, write_shell_setup
from freehold.wire import places
from freehold.wire.brief import Brief
from freehold.wire.exits import ExitCode
from freehold.wire.runs import Phase, RunError
from freehold.wire.session import Cancel, Prompt

STATE_DIRECTORY = ".freehold"
"""Below the working directory: what the runner keeps for this run alone."""
LONGEST_REASON = 8 * 1024
"""Characters of why a run ended, in each of its two sentences."""
_IMAGE_PROGRAMS = Path("/app/bin")


class Run:
    """What the runner has in hand; `carry_out` is the whole story, in order."""

    def __init__(self, brief: Brief, run_dir: Path, events: EventFile) -> None:
        self._brief = brief
        self._run_dir = run_dir
        self._events = events
        self._in_container = os.getpid() == 1
        self._ending = Ending()
        self._children = Children(adopt=True)
        run_socket = run_dir / places.RUN_SOCKET
        self._forwarder = Forwarder(run_socket, check_user=not self._in_container)
        self._keeper = KeeperSession(run_socket, events)
        self._prompts: asyncio.Queue[Prompt] = asyncio.Queue()
        self._chat = Chat()
        self._harness: HarnessProcess | None = None
        self._conversation: Conversation | None = None
        self._opened: asyncio.Task[None] | None = None
        self._redaction = Redaction()
        self._stage: Stage | None = None
        self._working = False
        self._left: LeftBehind | None = None

    async def carry_out(self) -> int:
        """The exit code. Raises nothing: what goes wrong is told to the keeper."""
        self._ending.watch_signals()
        self._keeper.start()
        hearing = asyncio.get_running_loop().create_task(self._hear_keeper())
        exit_code, error = await self._live()
        await self._stop_harness()
        if self._working and self._stage and not self._ending.signalled:
            self._keeper.enter(Phase.POST_HOOKS)
            await run_post_hooks(self._stage, self._brief.post_hooks, self._brief.hook_timeout_s)
        await self._tell_what_is_left()
        self._conclude(error)
        hearing.cancel()
        await self._keeper.close(hurry=self._ending.signalled)
        await self._forwarder.close()
        await self._children.end_everything()
        self._children.close()
        return exit_code

    async def _live(self) -> tuple[int, FreeholdError | None]:
        """Exit code and, when it is not what was wanted, why."""
        try:
            stage = await self._set_up()
            exit_code = await self._work(stage)
        except EndedError:
            return self._ending.exit_code(), self._ending.error()
        except FreeholdError as error:
            return exit_code_of(error), error
        except Exception as error:  # a defect of ours must end the run with a word, not leave PID 1 in a traceback
            traceback.print_exc()
            internal = FreeholdError(
                Code.INTERNAL, f"the runner failed: {type(error).__name__}: {error}", "Report this."
            )
            return ExitCode.ERROR, internal
        return exit_code, None

    async def _work(self, stage: Stage) -> int:
        brief, unless_asked = self._brief, self._ending.unless_asked
        if brief.idle_shell:
            self._keeper.enter(Phase.SESSION)
            await self._ending.asked()
            return ExitCode.OK
        if not brief.script:
            await self._start_harness(stage)
        self._keeper.enter(Phase.PRE_HOOKS)
        await unless_asked(run_pre_hooks(stage, brief.pre_hooks, brief.hook_timeout_s))
        self._working = True
        self._left = await self._look_before(stage)
        self._keeper.enter(Phase.CONTEXT)
        skill = brief.skill if brief.script else await unless_asked(inject(stage, brief.skill, brief.context_timeout_s))
        self._keeper.enter(Phase.SESSION)
        if brief.script:
            return await unless_asked(run_script(stage, brief.script))
        assert self._conversation is not None
        assert self._opened is not None
        session: SessionPhase | ChatPhase = SessionPhase(
            brief, self._conversation, self._keeper, self._ending, self._prompts
        )
        if brief.keep_open:
            session = ChatPhase(brief, self._conversation, self._keeper, self._ending, self._chat, self._redaction)
        await session.hold(skill, self._opened)
        return ExitCode.OK

    async def _set_up(self) -> Stage:
        """Credentials, ports, programs and variables: what everything after it is run with."""
        brief = self._brief
        held = read_credentials(brief)
        self._redaction = Redaction(held.secrets)
        self._events.redact(self._redaction)
        state_dir = _make_private(Path(brief.working_dir) / STATE_DIRECTORY)
        bin_dir = _IMAGE_PROGRAMS if (_IMAGE_PROGRAMS / "fh").exists() else write_programs(state_dir / "bin")
        self._model_port = await self._forwarder.listen(places.MODEL_PORT)
        self._brief = brief = at_port(brief, self._model_port)
        scene = Scene(
            run_dir=self._run_dir,
            state_dir=state_dir,
            bin_dir=bin_dir,
            model_port=self._model_port,
            egress_port=await self._forwarder.listen(places.EGRESS_PORT),
            ssh_key=write_ssh_key(held.ssh_key, state_dir) if held.ssh_key else None,
        )
        env = build_environment(brief, held, scene, os.environ)
        write_shell_setup(scene)
        keep_environment(scene, env)
        self._stage = Stage(self._children, self._events, self._redaction, scene, env, brief.working_dir)
        return self._stage

    async def _start_harness(self, stage: Stage) -> None:
        """Early: its imports and its handshake go on while the hooks run."""
        self._harness = HarnessProcess(self._brief.harness, self._events, self._redaction)
        narrator = Narrator(self._events, self._redaction)
        last_seen, port = self._forwarder.last_seen, self._model_port
        self._conversation = Conversation(
            self._brief, self._harness, narrator, self._keeper, lambda: last_seen[port]
        )  # fmt: skip
        await self._harness.start(self._children, stage.env, stage.cwd)
        self._opened = asyncio.get_running_loop().create_task(self._conversation.open())

    async def _stop_harness(self) -> None:
        if self._opened:
            self._opened.cancel()
            await asyncio.gather(self._opened, return_exceptions=True)
        if self._conversation:
            await self._conversation.close()
        if self._harness:
            await self._harness.stop(0.5 if self._ending.signalled else GRACE_S)

    async def _hear_keeper(self) -> None:
        while True:
            message = await self._keeper.incoming.get()
            if isinstance(message, Cancel):
                self._ending.ask(message.reason)
            elif self._brief.keep_open:
                self._chat.hear(message)
            elif isinstance(message, Prompt):
                self._prompts.put_nowait(message)

    async def _look_before(self, stage: Stage) -> LeftBehind:
        folders = [Path(self._brief.workspace_dir), Path(self._brief.working_dir)]
        left = LeftBehind(self._children, folders, stage.scene.state_dir)
        await left.begin()
        return left

    async def _tell_what_is_left(self) -> None:
        """Of a run that did not come to its work, nothing is."""
        if self._left is None:
            return
        hurry = self._ending.signalled
        left = await self._left.look(HURRY_S if hurry else LOOK_S)
        problem = await tell(left, self._run_dir / places.RUN_SOCKET, HURRY_S if hurry else TELL_S)
        if problem:
            self._events.log("warning", f"what the run left is not kept: {problem}")

    def _conclude(self, error: FreeholdError | None) -> None:
        if error is None:
            self._keeper.conclude(None)
            return
        message = excerpt(self._redaction.text(error.message), LONGEST_REASON)
        hint = excerpt(self._redaction.text(error.hint), LONGEST_REASON)
        # Who ended the run says why (the keeper's `run.finished`): that it was sent a signal is no error of its own.
        level = "info" if self._ending.signalled else "error"
        self._events.log(level, f"{message}\n{hint}" if hint else message)
        self._keeper.conclude(RunError(code=error.code, message=message, hint=hint))


def _make_private(directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FreeholdError(
            Code.DISK,
            f"the working directory {directory.parent} cannot be written: {error.strerror}",
            "freehold doctor",
        ) from error
    return directory
