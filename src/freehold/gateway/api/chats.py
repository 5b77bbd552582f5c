"""Chats: beginning one, and talking in it. What is said and answered comes with the run's events."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.gateway.api.agents import require_key, start
from freehold.gateway.api.runs import one
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.scheduler.intake import NewTrigger
from freehold.store.api_keys import Scope
from freehold.wire.keeper import LONGEST_SAID, FinishChat, InterruptTurn, Said, Say
from freehold.wire.runs import TriggerType
from freehold.wire.service import Done, TriggerAccepted
from freehold.wire.talk import BeginChat, SayMore

LONGEST_NAME = 100


async def begin(asked: Asked) -> TriggerAccepted:
    """A chat waits for a place of its agent as every run does."""
    request, name = asked.body(BeginChat), asked.path["name"]
    require_key(request.key)
    agent = asked.service.scheduler.agents.require_takes_triggers(name)
    # The keeper would say the same; but a run that it does not begin keeps the agent's other runs waiting, too.
    if agent.script:
        message = f"agent {name} has a test-script.sh, which runs in the place of a session"
        raise FreeholdError(Code.CONFIG, message, "Remove it to talk with the agent.")
    if len(request.prompt) > LONGEST_SAID:
        message = f"the message has {len(request.prompt):,} characters; at most {LONGEST_SAID:,} can be said at once"
        raise FreeholdError(Code.TOO_LARGE, message, "Put it in a file where the agent can read it, and name that.")
    told = request.prompt if request.prompt.strip() else ""
    new = NewTrigger(name, TriggerType.CHAT, asked.actor.name, request.key, prompt=told)
    return await start(asked, new, "agent.chat")


async def say(asked: Asked) -> Said:
    view, said = await one(asked), asked.body(SayMore)
    message_id, by = said.message_id or new_ulid(), asked.actor.name[:LONGEST_NAME]
    told = await asked.gateway.run_events.tell(Say(view.run_id, message_id, said.text, by))
    await asked.note("chat.say", view.run_id, turn=told.turn)
    return told


async def interrupt(asked: Asked) -> Done:
    view = await one(asked)
    await asked.gateway.run_events.direct(InterruptTurn(view.run_id))
    await asked.note("chat.interrupt", view.run_id)
    return Done()


async def finish(asked: Asked) -> Done:
    view = await one(asked)
    await asked.gateway.run_events.direct(FinishChat(view.run_id))
    await asked.note("chat.finish", view.run_id)
    return Done()


ENDPOINTS = (
    Endpoint("POST", "/agents/{name}/chat", Scope.TRIGGER, "Begin a chat; it is on the disk when this is answered",
             begin, BeginChat, TriggerAccepted, status=202),
    Endpoint("POST", "/runs/{id}/say", Scope.TRIGGER, "Say something in a chat; it is on the disk then",
             say, SayMore, Said),
    Endpoint("POST", "/runs/{id}/interrupt", Scope.TRIGGER, "End the turn of a chat that is under way", interrupt,
             answer=Done),
    Endpoint("POST", "/runs/{id}/finish", Scope.TRIGGER, "End a chat once all that was said is answered", finish,
             answer=Done),
)  # fmt: skip
