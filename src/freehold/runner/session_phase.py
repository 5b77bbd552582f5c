"""The session of a run: the harness prompted with skill and task, then with whatever the keeper sends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from freehold.runner.conversation import Conversation, failure_of_stop
from freehold.runner.ending import EndedError, Ending
from freehold.runner.keeper_session import KeeperSession
from freehold.wire import acp
from freehold.wire.brief import Brief
from freehold.wire.session import Prompt

CANCEL_GRACE_S = 2.0
"""How long a harness may take to end a turn that was cancelled; the keeper kills the container after 5 s."""
INSTRUCTIONS = {"freehold": {"role": "instructions"}}
"""Marks the skill, so that the builtin harness can put it where its model looks for instructions."""


@dataclass(frozen=True)
class SessionPhase:
    brief: Brief
    conversation: Conversation
    keeper: KeeperSession
    ending: Ending
    prompts: asyncio.Queue[Prompt]

    async def hold(self, skill: str, opened: asyncio.Task[None]) -> None:
        """From the handshake to the last turn. Raises `FreeholdError`, or `EndedError` when the run is to end first."""
        await self.ending.unless_asked(_wait_for(opened))
        await self.ending.unless_asked(self.conversation.begin())
        prompt = [acp.text_block(skill, INSTRUCTIONS)] if skill.strip() else []
        prompt.append(acp.text_block(self.brief.prompt))
        while True:
            stop_reason = await self._turn(prompt)
            self.keeper.turn_finished(stop_reason)
            failure = failure_of_stop(self.brief.harness.name, stop_reason)
            if failure and not self.brief.keep_open:
                raise failure
            following = await self._next_prompt()
            if following is None:
                return
            prompt = [acp.text_block(following.text)]

    async def _turn(self, prompt: list[acp.ContentBlock]) -> str:
        turn = asyncio.ensure_future(self.conversation.turn(prompt))
        asked = asyncio.ensure_future(self.ending.asked())
        try:
            await asyncio.wait({turn, asked}, return_when=asyncio.FIRST_COMPLETED)
            if turn.done():
                return turn.result()
            self.conversation.cancel()
            await asyncio.wait({turn}, timeout=CANCEL_GRACE_S)
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.keeper.turn_finished(turn.result())
            raise EndedError
        finally:
            asked.cancel()
            turn.cancel()
            await asyncio.gather(turn, return_exceptions=True)

    async def _next_prompt(self) -> Prompt | None:
        """What the keeper has sent meanwhile; in a chat, wait for it."""
        if self.brief.keep_open:
            return await self.ending.unless_asked(self.prompts.get())
        return None if self.prompts.empty() else self.prompts.get_nowait()


async def _wait_for(opened: asyncio.Task[None]) -> None:
    await asyncio.shield(opened)
