"""A chat: what a person says in one run, how far the harness has come with it, and when nobody talks any more.

A message is on disk before it is answered for (`run.json`), told when its turn begins (`turn.started`), and forgotten
when its turn is over (`turn.finished`). The runner has one message at a time, by number, and says with each `Hello`
which it has taken in: so a keeper that is killed anywhere loses none, and says none twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from freehold.base.errors import Code, FreeholdError
from freehold.base.excerpt import excerpt
from freehold.base.words import plural
from freehold.keeper.chat_record import ChatRecord, Message
from freehold.wire import session
from freehold.wire.events import AnyEvent, Limit, TurnFinished, TurnStarted
from freehold.wire.keeper import LONGEST_SAID, Said, Say
from freehold.wire.runs import Phase, RunError

if TYPE_CHECKING:
    from freehold.keeper.run import Run

QUIET_S = 900.0
"""A chat in which nobody has said anything for this long ends: it holds a place of its agent, and memory."""
MOST_WAITING = 4
"""Messages that wait while a turn runs: a person thinks of something more; a program waits for answers."""
LONGEST_STOP_REASON = 100
LONGEST_REASON = 4000


class Chat:
    """The chat of one run, and its end of the talk with the runner."""

    def __init__(self, run: Run, record: ChatRecord) -> None:
        self._run = run
        self._record = record
        self._phase = Phase.QUEUE
        self._begun = 0
        self._quiet_since: datetime | None = None

    def say(self, request: Say) -> Said:
        """Take a message, durably. Raises CONFLICT when the chat takes none any more, BUSY, TOO_LARGE, USAGE, DISK."""
        text = checked(request.text)
        known = self._record.numbers.get(request.message_id)
        if known is not None:
            return Said(known, max(0, known - self._record.waiting[0].turn) if self._record.waiting else 0)
        self._require_open()
        ahead = len(self._record.waiting)
        if ahead > MOST_WAITING:
            message = f"{plural(MOST_WAITING, 'message')} wait for the agent already"
            raise FreeholdError(Code.BUSY, message, "Wait for an answer, or interrupt the turn that is under way.")
        turn = self._record.add(request.message_id, text, request.by)
        try:
            self._run.save()
        except FreeholdError:
            self._record.take_back(request.message_id)
            raise
        self._go_on()
        return Said(turn, ahead)

    def interrupt(self) -> None:
        """End the turn that is under way, or will be first. Raises CONFLICT when there is none."""
        if not self._record.waiting:
            raise FreeholdError(Code.CONFLICT, f"nothing is going on in {self._run.run_id}", "Say something first.")
        turn = self._record.waiting[0].turn
        if self._record.interrupted >= turn:
            return
        self._record.interrupted = turn
        self._run.save()
        if self._begun == turn:
            self._send(session.Interrupt(turn=turn))
            if self._run.permissions:
                self._run.permissions.cancel_open()

    def finish(self) -> None:
        """Nothing more is said. May be asked again."""
        if not self._record.finishing:
            self._record.finishing = True
            self._run.save()
            self._go_on()

    def enter(self, phase: Phase) -> None:
        """The runner has come to `phase`."""
        self._phase = phase
        self._go_on()

    def hear_hello(self, hello: session.Hello) -> None:
        """The runner is there (again): what it was not told, it is told now; and so are we."""
        self._phase = hello.phase
        begun = self._begun
        if hello.ended:
            self.hear_end(hello.ended)
        first = self._record.waiting[0] if self._record.waiting else None
        if first and first.turn == begun:
            self._tell(first, again=hello.turn >= begun)
        self._go_on()

    def hear_end(self, ended: session.TurnFinished) -> None:
        """A turn is over. What is said of another one than that under way was heard before, or is made up."""
        waiting = self._record.waiting
        if not waiting or ended.turn != waiting[0].turn or ended.turn != self._begun:
            return
        error = self._run.hidden(_bounded(ended.error)) if ended.error else None
        stop_reason = ended.stop_reason[:LONGEST_STOP_REASON]
        self._run.note(TurnFinished(turn=ended.turn, stop_reason=stop_reason, error=error))
        self._record.drop_through(ended.turn)
        self._quiet_since = self._run.means.clock.now()
        if self._run.permissions:
            self._run.permissions.cancel_open()
        self._run.save()
        self._go_on()

    def recover(self, event: AnyEvent) -> None:
        """An event of the run's log, told in order to a keeper that takes it over."""
        if isinstance(event, TurnStarted):
            self._begun = event.turn
        elif isinstance(event, TurnFinished):
            self._record.drop_through(event.turn)
            self._quiet_since = datetime.fromisoformat(event.ts)

    def quiet_left_s(self) -> float:
        """How long until a chat without a word ends; what the harness is at is no silence."""
        if self._record.waiting or self._record.finishing:
            return QUIET_S
        since = self._quiet_since or datetime.fromisoformat(self._run.file.record.container_started_at)
        return QUIET_S - (self._run.means.clock.now() - since).total_seconds()

    def tell_left(self) -> None:
        """The run is over: say what was never answered. Raises DISK."""
        left = [message for message in self._record.waiting if message.turn > self._begun]
        if left:
            count = plural(len(left), "message")
            self._run.log.append(Limit(limit="chat", message=f"the chat ended before {count} could be answered"))
            self._record.waiting = []

    def _require_open(self) -> None:
        ended = self._run.file.record.stop is not None or self._run.concluded or self._phase is Phase.POST_HOOKS
        if ended or self._record.finishing:
            raise FreeholdError(Code.CONFLICT, f"the chat {self._run.run_id} is ending", "Begin another: freehold chat")

    def _go_on(self) -> None:
        """Begin the next turn, or finish, where the session is there and nothing is under way."""
        if self._phase is not Phase.SESSION:
            return
        if not self._record.waiting:
            if self._record.finishing:
                self._send(session.Finish())
        elif (first := self._record.waiting[0]).turn > self._begun:
            self._run.catch_up()
            self._begun = first.turn
            self._run.note(TurnStarted(turn=first.turn, text=first.text, by=first.by))
            self._tell(first)

    def _tell(self, message: Message, *, again: bool = False) -> None:
        if not again:
            self._send(session.Prompt(text=message.text, turn=message.turn))
        if self._record.interrupted >= message.turn:
            self._send(session.Interrupt(turn=message.turn))

    def _send(self, message: session.FromKeeper) -> None:
        """Where the run is not served yet, the runner's next `Hello` is answered with it."""
        if self._run.services:
            self._run.services.send(message)


def checked(text: str) -> str:
    """`text`, if it can be a message. Raises USAGE and TOO_LARGE."""
    if not text.strip():
        raise FreeholdError(Code.USAGE, "the message is empty")
    if len(text) > LONGEST_SAID:
        message = f"the message has {len(text):,} characters; at most {LONGEST_SAID:,} can be said at once"
        raise FreeholdError(Code.TOO_LARGE, message, "Put it in a file where the agent can read it, and name that.")
    return text


def _bounded(error: RunError) -> RunError:
    return RunError(error.code[:100], excerpt(error.message, LONGEST_REASON), excerpt(error.hint, LONGEST_REASON))
