"""Talking in the chats that are under way: the verbs `run/say`, `run/interrupt`, `run/finish`; and when a chat ends
for want of talk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from freehold.base.errors import Code, FreeholdError
from freehold.keeper.chat import QUIET_S, Chat, checked
from freehold.keeper.rpc_server import Caller
from freehold.project.agent import Agent
from freehold.wire.events import Limit
from freehold.wire.keeper import FinishChat, InterruptTurn, Said, Say
from freehold.wire.runs import RunState, StartRun

if TYPE_CHECKING:
    from freehold.keeper.keeper import Keeper
    from freehold.keeper.run import Run

LONGEST_CHAT_S = 8 * 3600
"""A working day. An agent's `timeout` is meant for work that nobody watches; in a chat somebody does, silence ends it
after `QUIET_S`, and budgets hold. What is left to bound is a person who forgets a harness at work."""


class Chats:
    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def say(self, _caller: Caller, request: Say) -> Said:
        """See `Chat.say`. May be called again with the same effect."""
        return (await self._chat(request.run_id)).say(request)

    async def interrupt(self, _caller: Caller, request: InterruptTurn) -> None:
        (await self._chat(request.run_id)).interrupt()

    async def finish(self, _caller: Caller, request: FinishChat) -> None:
        (await self._chat(request.run_id)).finish()

    async def _chat(self, run_id: str) -> Chat:
        """Raises NOT_FOUND for a run that is not known, CONFLICT for one that is no chat, or has ended."""
        await self._keeper.until_adopted(run_id)
        view = self._keeper.view(run_id)
        run = self._keeper.active(run_id)
        if run and run.chat and view.state is not RunState.FINISHED:
            return run.chat
        if run and run.chat is None:
            raise FreeholdError(Code.CONFLICT, f"{run_id} is no chat", f"Begin one: freehold chat {view.agent}")
        raise FreeholdError(Code.CONFLICT, f"{run_id} has ended", f"Begin a chat: freehold chat {view.agent}")


def require_chat(agent: Agent, request: StartRun) -> None:
    """Raises what keeps a run that is asked for as a chat from being one: CONFIG, USAGE, TOO_LARGE."""
    if not request.is_chat:
        return
    if agent.script:
        message = f"agents/{agent.name} has a test-script.sh, which runs in the place of a session"
        raise FreeholdError(Code.CONFIG, message, "Remove it to talk with the agent.")
    if request.trigger.prompt:
        checked(request.trigger.prompt)


def longest_s(agent: Agent, request: StartRun) -> int:
    """How long the run may take."""
    return max(agent.timeout_s, LONGEST_CHAT_S) if request.is_chat else agent.timeout_s


async def end_when_quiet(run: Run) -> None:
    """End a chat in which nobody has said anything for a while, as one that is done."""
    if run.chat is None:
        return
    while (left_s := run.chat.quiet_left_s()) > 0:
        await run.means.clock.sleep(left_s)
    run.note(Limit(limit="chat", message=f"nobody said anything for {QUIET_S / 60:.0f} minutes; the chat ends"))
    run.chat.finish()
