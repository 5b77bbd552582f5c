"""The session of a run: the harness prompted with skill and task, then with whatever the keeper sends meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from freehold.runner.conversation import Conversation, failure_of_stop
from freehold.runner.ending import Ending
from freehold.runner.keeper_session import KeeperSession
from freehold.runner.turn import take_turn
from freehold.wire import acp
from freehold.wire.brief import Brief
from freehold.wire.session import Prompt

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
        await begin(self.conversation, self.ending, opened)
        prompt = first_prompt(skill, self.brief.prompt)
        while True:
            stop_reason = await take_turn(self.conversation, self.ending, prompt, self.keeper.turn_finished)
            self.keeper.turn_finished(stop_reason)
            if failure := failure_of_stop(self.brief.harness.name, stop_reason):
                raise failure
            if self.prompts.empty():
                return
            prompt = [acp.text_block(self.prompts.get_nowait().text)]


async def begin(conversation: Conversation, ending: Ending, opened: asyncio.Task[None]) -> None:
    """The handshake, which may have been going on for a while, and the session. Raises as `SessionPhase.hold`."""
    await ending.unless_asked(_wait_for(opened))
    await ending.unless_asked(conversation.begin())


def first_prompt(skill: str, task: str) -> list[acp.ContentBlock]:
    """What a harness is told at first: who it is, and what it is to do."""
    prompt = [acp.text_block(skill, INSTRUCTIONS)] if skill.strip() else []
    return [*prompt, acp.text_block(task)]


async def _wait_for(opened: asyncio.Task[None]) -> None:
    await asyncio.shield(opened)
