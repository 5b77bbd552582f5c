"""The session of a chat: each message of the person is a turn, until they are done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from freehold.base.excerpt import excerpt
from freehold.base.redaction import Redaction
from freehold.runner.chat import Chat
from freehold.runner.conversation import Conversation, failure_of_stop
from freehold.runner.ending import Ending
from freehold.runner.keeper_session import KeeperSession
from freehold.runner.refused import RefusedError
from freehold.runner.session_phase import begin, first_prompt
from freehold.runner.turn import take_turn
from freehold.wire import acp
from freehold.wire.brief import Brief
from freehold.wire.runs import RunError
from freehold.wire.session import Prompt

FAILED = "failed"
"""The stop reason of a turn that the harness refused; ACP has none for that."""
_LONGEST_REASON = 2000


@dataclass
class ChatPhase:
    """What goes wrong in one turn is told and ends that turn alone; a harness that is gone ends the chat."""

    brief: Brief
    conversation: Conversation
    keeper: KeeperSession
    ending: Ending
    chat: Chat
    redaction: Redaction

    async def hold(self, skill: str, opened: asyncio.Task[None]) -> None:
        """Until the person is done. Raises `FreeholdError`, or `EndedError` when the run is to end first."""
        await begin(self.conversation, self.ending, opened)
        introduced = False
        while prompt := await self.ending.unless_asked(self._next()):
            said = prompt.text if introduced else f"{self.brief.prompt}\n\n{prompt.text}"
            blocks = [acp.text_block(said)] if introduced else first_prompt(skill, said)
            self.keeper.turn_began(prompt.turn)
            # A harness that refused its first prompt may have kept none of it: it is introduced again.
            introduced = await self._answer(prompt, blocks) or introduced

    async def _next(self) -> Prompt | None:
        """Raises what ended the harness while nothing was asked of it."""
        saying = asyncio.ensure_future(self.chat.next())
        lost = asyncio.ensure_future(self.conversation.lost())
        try:
            await asyncio.wait({saying, lost}, return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                raise lost.result()
            return saying.result()
        finally:
            saying.cancel()
            lost.cancel()
            await asyncio.gather(saying, lost, return_exceptions=True)

    async def _answer(self, prompt: Prompt, blocks: list[acp.ContentBlock]) -> bool:
        """Whether the harness took the prompt."""
        turn = prompt.turn
        if self.chat.is_interrupted(turn):
            self.keeper.turn_finished(acp.StopReason.CANCELLED, turn)
            return False
        try:
            stop_reason = await take_turn(
                self.conversation,
                self.ending,
                blocks,
                lambda stop_reason: self.keeper.turn_finished(stop_reason, turn),
                lambda: self.chat.interrupted(turn),
            )
        except RefusedError as refused:
            self.keeper.turn_finished(FAILED, turn, self._told(refused))
            return False
        wanted = stop_reason == acp.StopReason.CANCELLED and self.chat.is_interrupted(turn)
        failure = None if wanted else failure_of_stop(self.brief.harness.name, stop_reason)
        self.keeper.turn_finished(stop_reason, turn, RunError(failure.code, failure.message) if failure else None)
        return True

    def _told(self, refused: RefusedError) -> RunError:
        message, hint = (
            excerpt(self.redaction.text(text), _LONGEST_REASON) for text in (refused.message, refused.hint)
        )
        return RunError(refused.code, message, hint)
