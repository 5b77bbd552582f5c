"""What a run may do to itself through its socket, and what its runner tells: `fh status`, `fh exit`, phases, …"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from freehold.base.errors import Code, FreeholdError
from freehold.base.excerpt import excerpt
from freehold.base.threads import in_thread
from freehold.keeper.left import without_secrets, write_left
from freehold.keeper.outcome import Stop
from freehold.keeper.phases import FROM_INSIDE
from freehold.wire import session
from freehold.wire.events import Return, Status
from freehold.wire.left import Left
from freehold.wire.run_api import LONGEST_RETURN, ExitCode
from freehold.wire.runs import Result, RunError

if TYPE_CHECKING:
    from freehold.keeper.chat import Chat
    from freehold.keeper.run import Run
    from freehold.keeper.run_session import RunSession

LONGEST_STATUS = 500
LONGEST_CONCLUSION = 8 * 1024
"""Characters of what a runner says of its end; it quotes the end of what a program wrote."""
MOST_PERMISSIONS = 10_000
"""Answers that are remembered of one run; each is an event, too."""
MOST_OPEN = 100
"""Requests for permission that wait for an answer at once; a harness has one or two."""

MOST_LEFT_TOLD = 5
"""How often a keeper takes what a run left: each time some megabytes go to the disk."""


class Control:
    """The other end of the run API and of the runner's session, for one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.session: RunSession | None = None
        self._deciding: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[str, session.Answer | None] = {}
        self._left_told = 0

    async def set_status(self, text: str) -> None:
        self._run.catch_up()
        text = self._run.redaction.text(text.strip())[:LONGEST_STATUS]
        self._run.file.show(status_text=text)
        self._run.note(Status(text=text))
        self._run.means.watchers.tell(self._run.view)

    async def set_return(self, value: str) -> None:
        """The last value counts. Raises TOO_LARGE."""
        if len(value) > LONGEST_RETURN:
            message = f"the return value has {len(value):,} characters; at most {LONGEST_RETURN:,} are kept"
            raise FreeholdError(Code.TOO_LARGE, message, "Write it to a file in /workspace and return its path.")
        self._run.catch_up()
        value = self._run.redaction.text(value)
        self._run.file.show(return_value=value)
        self._run.save()
        self._run.note(Return(value=value))

    async def request_rerun(self) -> None:
        self._run.file.record.rerun_requested = True
        self._run.save()

    async def request_exit(self, code: int) -> None:
        """`fh exit`: the run ends now, with this exit code; it does not wait for the harness."""
        if code == ExitCode.OK:
            stop = Stop(Result.COMPLETED, exit_code=code)
        elif code == ExitCode.RERUN:
            stop = Stop(Result.RERUN, exit_code=code)
        else:
            error = RunError(Code.FAILED, f"the agent gave up: fh exit {code}", "Its last messages say why.")
            stop = Stop(Result.ERROR, error, exit_code=code)
        self._run.stop(stop)

    async def shutdown(self, reason: str) -> None:
        """`fh shutdown`: the agent saw something that must not go on; it is killed at once."""
        said = self._run.redaction.text(reason.strip())[:LONGEST_STATUS] or "no reason given"
        error = RunError(Code.DENIED, f"the agent asked to be shut down: {said}", "Look at what it did just before.")
        self._run.stop(Stop(Result.KILLED, error, exit_code=ExitCode.KILLED), grace_s=0)

    async def keep_left(self, left: Left) -> None:
        """What the run says that it left; the last word counts. Raises DISK, and OVERLOADED for too many."""
        self._left_told += 1
        if self._left_told > MOST_LEFT_TOLD:
            raise FreeholdError(Code.OVERLOADED, "what the run left was told too often", "Tell it once, at the end.")
        clean = await in_thread(without_secrets, left, self._run.redaction)
        await in_thread(write_left, self._run.file.path.parent, clean)

    async def from_runner(self, message: session.FromRunner) -> None:
        """What the runner says on its session."""
        try:
            await self._hear(message)
        except FreeholdError as error:
            self._run.give_up(error)

    async def _hear(self, message: session.FromRunner) -> None:
        if self._run.chat:
            await self._hear_chat(self._run.chat, message)
        if isinstance(message, session.EnterPhase):
            self._run.catch_up()
            if message.phase in FROM_INSIDE:
                self._run.phases.enter(message.phase)
                if self._run.chat:
                    self._run.chat.enter(message.phase)
        elif isinstance(message, session.AskPermission):
            self._run.catch_up()  # what it said before it asked stands before
            self._ask(message)
        elif isinstance(message, session.Conclusion):
            self._run.concluded = True
            if message.error:
                self._run.file.record.conclusion = _bounded(self._run.hidden(message.error))
                self._run.save()

    async def _hear_chat(self, chat: Chat, message: session.FromRunner) -> None:
        # What the agent said in a turn stands before the turn's end, also when it said it while no keeper was there.
        if isinstance(message, session.Hello):
            await self._run.catch_up_wholly()
            chat.hear_hello(message)
        elif isinstance(message, session.TurnFinished):
            await self._run.catch_up_wholly()
            chat.hear_end(message)

    async def close(self) -> None:
        deciding = list(self._deciding.values())
        for task in deciding:
            task.cancel()
        await asyncio.gather(*deciding, return_exceptions=True)

    def _ask(self, asked: session.AskPermission) -> None:
        """Decide once; a runner whose session broke meanwhile asks again, and gets the same answer.

        Raises TOO_LARGE when it asks without end.
        """
        if len(self._deciding) >= MOST_OPEN or len(self._asked) >= MOST_PERMISSIONS:
            raise FreeholdError(Code.TOO_LARGE, "the run asked for permission without end", "See its last messages.")
        known = self._asked.setdefault(asked.permission_id, None)
        if known and self.session:
            self.session.send(known)
        if asked.permission_id in self._deciding or known:
            return
        task = asyncio.create_task(self._decide(asked))
        self._deciding[asked.permission_id] = task
        task.add_done_callback(lambda _: self._deciding.pop(asked.permission_id))

    async def _decide(self, asked: session.AskPermission) -> None:
        assert self._run.permissions is not None
        try:
            answer = await self._run.permissions.decide(asked)
        except FreeholdError as error:
            self._run.give_up(error)
            return
        self._asked[asked.permission_id] = answer
        if self.session:
            self.session.send(answer)


def _bounded(error: RunError) -> RunError:
    return RunError(error.code[:100], *(excerpt(text, LONGEST_CONCLUSION) for text in (error.message, error.hint)))
