"""How a chat stands, as its events tell, and what Ctrl-C means just then. Pure."""

from __future__ import annotations

from enum import Enum

from freehold.wire.events import AnyEvent, PhaseStarted, RunFinished, TurnFinished, TurnStarted
from freehold.wire.runs import Phase


class Press(Enum):
    """What a press of Ctrl-C is to do."""

    INTERRUPT = "end the turn"
    KILL = "end the run"
    CLEAR = "forget what was typed"
    WARN = "say that the next one finishes"
    FINISH = "end the chat"
    LEAVE = "leave, and let the run go on ending"


class ChatState:
    """Tell it of each event (`see`), of what was said (`said`), and of presses of Ctrl-C (`press`)."""

    def __init__(self) -> None:
        self.phase = Phase.QUEUE
        self.turn = 0
        """The turn that is under way; 0 between turns."""
        self.ended = 0
        """The last turn that is over."""
        self.finishing = False
        self.over = False
        self._said = 0
        self._interrupted = 0
        self._warned = False
        self._killed = False

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, PhaseStarted):
            self.phase = event.phase
        elif isinstance(event, TurnStarted):
            self.turn = event.turn
            self.said(event.turn)
        elif isinstance(event, TurnFinished):
            self.turn, self.ended = 0, event.turn
        elif isinstance(event, RunFinished):
            self.over = True

    def said(self, turn: int) -> None:
        self._said = max(self._said, turn)

    @property
    def waits_for_agent(self) -> bool:
        """Something was said that is not answered."""
        return self._said > self.ended

    def press(self, draft: str) -> Press:
        """What Ctrl-C does now, with `draft` typed and not sent."""
        warned, self._warned = self._warned, False
        if self._killed:
            return Press.LEAVE
        if self.waits_for_agent or self.finishing:
            turn = self.ended + 1
            if self._interrupted >= turn or not self.waits_for_agent:
                self._killed = True
                return Press.KILL
            self._interrupted = turn
            return Press.INTERRUPT
        if draft:
            return Press.CLEAR
        if warned:
            self.finishing = True
            return Press.FINISH
        self._warned = True
        return Press.WARN
