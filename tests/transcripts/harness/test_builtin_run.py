"""The builtin harness in a run: the real runner, a fake keeper, and a provider that speaks every wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from freehold.models.answers.speech import Speech, SpokenCall
from freehold.models.fake_upstream import Behaviour, FakeUpstream
from freehold.wire import session
from freehold.wire.events import Message, ToolFinished, ToolStarted
from freehold.wire.exits import ExitCode
from tests.support.builtin import MODELS, builtin, mount
from tests.support.fake_keeper import Ended, FakeKeeper


class World:
    """A keeper whose model gateway is a fake provider of one wire format."""

    def __init__(self, directory: Path) -> None:
        self.keeper = FakeKeeper(directory)
        self.upstream = FakeUpstream()

    async def open(self, wire_format: str = "openai-chat") -> None:
        self.keeper.routes = lambda application: mount(application, self.upstream, wire_format)
        await self.keeper.open()

    async def run(self, *behaviours: Behaviour, wire_format: str = "openai-chat", **brief: Any) -> Ended:
        self.upstream.behave(*behaviours)
        await self.open(wire_format)
        return await self.keeper.run(self.keeper.brief(builtin(wire_format), **brief))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.keeper.close()


def say(*pieces: str) -> Behaviour:
    return Behaviour(speech=Speech("s", "m", pieces))


def call(name: str, say: str = "", **arguments: Any) -> Behaviour:
    pieces = (say,) if say else ()
    return Behaviour(speech=Speech(f"a-{name}", "m", pieces, call=SpokenCall(f"c-{name}", name, arguments)))


def is_there(pid: str) -> bool:
    return Path("/proc", pid).exists()


@pytest.mark.parametrize("wire_format", MODELS)
async def test_it_works_in_every_wire_format(world: World, wire_format: str) -> None:
    ended = await world.run(
        call("bash", "Looking. ", command="pwd; setenv KEPT 'it lasts'"),
        call("write", path="notes/a.txt", content="hé\n"),
        call("edit", path="notes/a.txt", old="hé", new="ho"),
        call("read", path="notes/a.txt"),
        call("bash", command='echo "$KEPT"; exit 3'),
        say("All ", "done."),
        wire_format=wire_format, skill="Be careful.", prompt="Do the task.",
    )  # fmt: skip
    assert (ended.exit_code, ended.error) == (0, "")
    work = world.keeper.directory / "work"
    assert "".join(ended.texts(Message)) == "Looking. All done."
    started = [event for event in ended.events if isinstance(event, ToolStarted)]
    assert [(event.title, event.kind) for event in started] == [
        ("pwd; setenv KEPT 'it lasts'", "execute"), ("Write notes/a.txt", "edit"), ("Edit notes/a.txt", "edit"),
        ("Read notes/a.txt", "read"), ('echo "$KEPT"; exit 3', "execute"),
    ]  # fmt: skip
    assert [event.output for event in ended.events if isinstance(event, ToolFinished)] == [
        f"{work}\nset 1 variable(s)\n", f"wrote 4 bytes to {work}/notes/a.txt", f"edited {work}/notes/a.txt", "ho\n",
        "it lasts\n\n[exit code 3]",
    ]  # fmt: skip
    assert len(world.upstream.seen) == 6
    first, last = str(world.upstream.seen[0].body), str(world.upstream.seen[-1].body)
    assert "Be careful." in first
    assert "Do the task." in first
    for told in ("set 1 variable(s)", "wrote 4 bytes to", "edited "):
        assert told in last, "the model is told what the tools gave"
    assert {request.credential for request in world.upstream.seen} == {"kept-by-freehold"}


ERRORS = [
    (Behaviour(status=400, error_type="insufficient_quota"), ExitCode.ERROR, "upstream"),
    (Behaviour(status=401), ExitCode.AUTHENTICATION, "credential"),
    (Behaviour(status=403), ExitCode.PERMISSION, "denied"),
    (Behaviour(status=429, headers={"x-should-retry": "false"}), ExitCode.RATE_LIMITED, "rate_limited"),
    (Behaviour(status=500, headers={"x-should-retry": "false"}), ExitCode.ERROR, "upstream"),
]


@pytest.mark.parametrize("wire_format", ["openai-chat", "anthropic-messages"])
@pytest.mark.parametrize(("behaviour", "exit_code", "code"), ERRORS)
async def test_the_gateways_words_are_why_the_run_ended(
    world: World, wire_format: str, behaviour: Behaviour, exit_code: int, code: str
) -> None:
    ended = await world.run(behaviour, wire_format=wire_format)
    assert ended.exit_code == exit_code
    assert ended.error == f"refused with {behaviour.status}, your key was kept-by-freehold"
    assert ended.conclusion.error is not None
    assert ended.conclusion.error.code == code
    assert len(world.upstream.seen) == 1, "the gateway repeats what is worth it; the harness does not"


BROKEN = [
    Behaviour(speech=Speech("s", "m", ("One ", "two ", "three")), cut=True, stop_after=2),
    Behaviour(speech=Speech("s", "m", ("One ", "two ", "three")), ends_early=True, stop_after=2),
]


@pytest.mark.parametrize("cut", BROKEN, ids=["cut", "ends early"])
@pytest.mark.parametrize("wire_format", MODELS)
async def test_an_answer_that_breaks_off_is_asked_for_again(world: World, wire_format: str, cut: Behaviour) -> None:
    ended = await world.run(cut, say("Whole."), wire_format=wire_format)
    assert (ended.exit_code, ended.error) == (0, "")
    assert "".join(ended.texts(Message)).endswith("Whole.")
    assert len(world.upstream.seen) == 2


async def test_a_model_that_calls_what_is_not_there_is_told(world: World) -> None:
    ended = await world.run(call("teleport", to="Mars"), call("bash"), call("read", path=7), say("Sorry."))
    assert ended.exit_code == 0
    outputs = [event.output for event in ended.events if isinstance(event, ToolFinished)]
    assert outputs[0] == "Error: there is no tool teleport; there are: bash, edit, read, write"
    assert outputs[1] == "Error: `command` must be a text that is not empty"
    assert "No such file" in outputs[2]
    assert {event.status for event in ended.events if isinstance(event, ToolFinished)} == {"failed"}


@pytest.mark.parametrize(("decision", "written"), [("allow_once", True), ("reject_once", False)])
async def test_leave_is_asked_for_where_the_agent_must(world: World, decision: str, written: bool) -> None:
    world.keeper.decide = lambda _: decision
    ended = await world.run(
        call("read", path="/etc/hostname"), call("write", path="a.txt", content="x"), say("Ok."), permissions="ask"
    )
    assert ended.exit_code == 0
    assert (world.keeper.directory / "work" / "a.txt").exists() is written
    asked = [message for message in ended.said if isinstance(message, session.AskPermission)]
    assert [message.title for message in asked] == ["Write a.txt"]


async def test_cancel_ends_the_command_that_is_running(world: World) -> None:
    world.upstream.behave(call("bash", command="echo $$ > pid; sleep 3600"))
    await world.open()
    await world.keeper.start(world.keeper.brief(builtin()))
    pid = world.keeper.directory / "work" / "pid"
    await world.keeper.wait_for(lambda: pid.exists() and bool(pid.read_text()))
    await world.keeper.send(session.Cancel(reason="enough"))
    ended = await world.keeper.ended()
    assert ended.exit_code == ExitCode.ABORTED
    assert session.TurnFinished(stop_reason="cancelled") in ended.said
    assert not is_there(pid.read_text().strip())
    assert [event.status for event in ended.events if isinstance(event, ToolFinished)] == ["failed"]


async def test_a_chat_remembers_even_a_turn_that_failed(world: World) -> None:
    world.upstream.behave(say("Hello Ada."), Behaviour(status=400), say("You are Ada."))
    await world.open()
    await world.keeper.start(world.keeper.brief(builtin(), prompt="You are in a chat.", keep_open=True))

    def turns() -> list[session.TurnFinished]:
        return [message for message in world.keeper.said if isinstance(message, session.TurnFinished)]

    await world.keeper.wait_for(lambda: bool(world.keeper.said))
    for number, text in enumerate(("I am Ada.", "Break.", "Who am I?")):
        await world.keeper.wait_for(lambda: len(turns()) == number)  # noqa: B023  waited for within the same step
        await world.keeper.send(session.Prompt(text=text, turn=number + 1))
    await world.keeper.wait_for(lambda: len(turns()) == 3)
    await world.keeper.send(session.Finish())
    ended = await world.keeper.ended()
    assert (ended.exit_code, ended.error) == (0, "")
    assert [turn.stop_reason for turn in turns()] == ["end_turn", "failed", "end_turn"]
    refused = turns()[1].error
    assert refused is not None
    assert refused.message
    said = "".join(event.text for event in ended.events if isinstance(event, Message))
    assert said == "Hello Ada.You are Ada."
    [*_, last] = world.upstream.seen
    assert [text for text in ("You are in a chat.", "I am Ada.", "Break.", "Who am I?") if text in str(last)] == [
        "You are in a chat.", "I am Ada.", "Break.", "Who am I?",
    ]  # fmt: skip


async def test_without_a_model_it_says_so(world: World) -> None:
    await world.open()
    harness = builtin()
    harness = type(harness)(harness.name, harness.command, {**harness.env, "FREEHOLD_MODELS": "[]"})
    ended = await world.keeper.run(world.keeper.brief(harness))
    assert ended.exit_code == ExitCode.ERROR
    assert "no model of the agent's list fits this harness" in ended.error
