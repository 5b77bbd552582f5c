"""Chats through the keeper, against a fake engine: said once, told once, in order, also when the keeper is replaced."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.base.clock import ManualClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.redaction import Redaction
from freehold.base.secret import Secret
from freehold.keeper.chat import MOST_WAITING, QUIET_S
from freehold.keeper.chats import LONGEST_CHAT_S, Chats
from freehold.keeper.history import EVENTS, RUNS
from freehold.keeper.record import RECORD_FILE
from freehold.runtime.fake_engine import FakeRun
from freehold.wire import events as wire
from freehold.wire import session
from freehold.wire.keeper import LONGEST_SAID, FinishChat, InterruptTurn, Said, Say
from freehold.wire.runs import Phase, Result, RunError, Trigger, TriggerType
from tests.support.stage import NOBODY, Stage, until


class Talking:
    """A chat on the stage; `runner` says what a runner would."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ending = asyncio.Event()
        self.code = 0
        self.run_id = ""
        stage.act(lambda _services: self._until_ended())

    async def _until_ended(self) -> int:
        await self.ending.wait()
        return self.code

    async def begin(self, prompt: str = "") -> None:
        self.run_id = await self.stage.start(trigger=Trigger(TriggerType.CHAT, prompt=prompt))
        await until(lambda: self.stage.is_watched(self.run_id))

    async def open(self, turn: int = 0, ended: session.TurnFinished | None = None) -> None:
        await self.runner(session.Hello(phase=Phase.SESSION, turn=turn, ended=ended))

    async def runner(self, message: session.FromRunner) -> None:
        await self.stage.services[self.run_id].control.from_runner(message)

    async def ended(self, turn: int, stop_reason: str = "end_turn", error: RunError | None = None) -> None:
        await self.runner(session.TurnFinished(turn=turn, stop_reason=stop_reason, error=error))

    async def say(self, text: str, message_id: str = "") -> Said:
        return await Chats(self.stage.keeper).say(NOBODY, Say(self.run_id, message_id or text, text))

    async def interrupt(self) -> None:
        await Chats(self.stage.keeper).interrupt(NOBODY, InterruptTurn(self.run_id))

    async def finish(self) -> None:
        await Chats(self.stage.keeper).finish(NOBODY, FinishChat(self.run_id))

    async def replace_keeper(self) -> None:
        await self.stage.replace_keeper()
        await until(lambda: self.stage.is_watched(self.run_id))

    @property
    def sent(self) -> list[session.FromKeeper]:
        return self.stage.services[self.run_id].sent

    def turns(self) -> list[tuple[object, ...]]:
        return [
            (event.turn, event.text) if isinstance(event, wire.TurnStarted) else (event.turn, event.stop_reason, "over")
            for event in self.stage.events(self.run_id)
            if isinstance(event, wire.TurnStarted | wire.TurnFinished)
        ]

    async def over(self) -> wire.RunFinished:
        self.ending.set()
        return await self.stage.finished(self.run_id)


async def passes(clock: ManualClock, seconds: float) -> None:
    """Let time pass, and whoever waited for it do what it waited for."""
    clock.advance(seconds)
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Talking]:
    talking = Talking(Stage(tmp_path / "shop", tmp_path / "home"))
    yield talking
    talking.ending.set()
    await talking.stage.keeper.let_go()


async def test_a_chat_from_its_first_message_to_its_end(chat: Talking) -> None:
    await chat.begin("Hello.")
    assert chat.sent == [], "the session is not there yet"
    await chat.open()
    assert chat.sent == [session.Prompt(text="Hello.", turn=1)]
    await chat.ended(1)
    assert await chat.say("And now?") == Said(2, 0)
    assert chat.sent[1:] == [session.Prompt(text="And now?", turn=2)]
    await chat.ended(2, "cancelled")
    await chat.finish()
    assert chat.sent[2:] == [session.Finish()]
    finished = await chat.over()
    assert (finished.result, finished.trigger.type) == (Result.COMPLETED, TriggerType.CHAT)
    assert chat.turns() == [(1, "Hello."), (1, "end_turn", "over"), (2, "And now?"), (2, "cancelled", "over")]


async def test_it_has_its_own_time_and_is_told_so_in_its_brief(chat: Talking) -> None:
    await chat.begin()
    started = next(event for event in chat.stage.events(chat.run_id) if isinstance(event, wire.RunStarted))
    assert started.timeout_s == LONGEST_CHAT_S
    brief = json.loads((chat.stage.root / ".freehold" / RUNS / chat.run_id / "mount" / "prompt.json").read_text())
    assert brief["keep_open"]
    assert brief["prompt"].endswith("They say:")


async def test_what_is_said_during_a_turn_waits_for_it_and_a_few_may_wait(chat: Talking) -> None:
    await chat.begin()
    await chat.open()
    for number in range(MOST_WAITING + 1):
        assert await chat.say(f"m{number}") == Said(number + 1, number)
    with pytest.raises(FreeholdError) as caught:
        await chat.say("too many")
    assert caught.value.code is Code.BUSY
    assert chat.sent == [session.Prompt(text="m0", turn=1)]
    await chat.ended(1)
    assert chat.sent[1:] == [session.Prompt(text="m1", turn=2)]
    assert (await chat.say("one more")).turn == MOST_WAITING + 2


async def test_a_message_that_is_said_again_is_the_same_one(chat: Talking) -> None:
    await chat.begin()
    await chat.open()
    assert await chat.say("Hello.", "id-1") == await chat.say("Hello.", "id-1") == Said(1, 0)
    await chat.ended(1)
    await chat.replace_keeper()
    assert (await chat.say("Hello.", "id-1")).turn == 1
    await chat.open(turn=1)
    assert chat.sent == []
    assert chat.turns() == [(1, "Hello."), (1, "end_turn", "over")]


@pytest.mark.parametrize(
    ("text", "code"), [("", Code.USAGE), (" \n", Code.USAGE), ("x" * (LONGEST_SAID + 1), Code.TOO_LARGE)]
)
async def test_messages_that_are_none(chat: Talking, text: str, code: Code) -> None:
    await chat.begin()
    with pytest.raises(FreeholdError) as caught:
        await chat.say(text, "id")
    assert caught.value.code is code


async def test_a_run_that_is_no_chat_and_one_that_has_ended_take_no_message(chat: Talking) -> None:
    chat.run_id = await chat.stage.start()
    for ended in (False, True):
        if ended:
            await chat.over()
        for verb in (chat.say("Hello."), chat.interrupt(), chat.finish()):
            with pytest.raises(FreeholdError) as caught:
                await verb
            assert (caught.value.code, "has ended" in caught.value.message) == (Code.CONFLICT, ended)


async def test_a_chat_that_finishes_answers_what_was_said_and_takes_nothing_more(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.open()
    await chat.say("Two.")
    await chat.finish()
    await chat.finish()
    with pytest.raises(FreeholdError) as caught:
        await chat.say("Three.")
    assert caught.value.code is Code.CONFLICT
    await chat.ended(1)
    assert session.Finish() not in chat.sent
    await chat.ended(2)
    assert chat.sent[-1] == session.Finish()


async def test_an_interruption_ends_the_turn_and_what_waits_is_said_next(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.open()
    await chat.say("Two.")
    await chat.interrupt()
    await chat.interrupt()
    assert chat.sent == [session.Prompt(text="One.", turn=1), session.Interrupt(turn=1)]
    await chat.ended(1, "cancelled")
    assert chat.sent[2:] == [session.Prompt(text="Two.", turn=2)]
    await chat.ended(2)
    with pytest.raises(FreeholdError) as caught:
        await chat.interrupt()
    assert caught.value.code is Code.CONFLICT


async def test_a_turn_that_failed_is_told_without_secrets_and_bounded(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.open()
    await chat.ended(1, "failed" * 100, RunError("upstream", "x" * 100_000, "try"))
    told = next(event for event in chat.stage.events(chat.run_id) if isinstance(event, wire.TurnFinished))
    assert told.error is not None
    assert len(told.stop_reason) <= 100
    assert len(told.error.message) < 5000
    assert await chat.say("Two.") == Said(2, 0)


async def test_secrets_are_blacked_out_in_what_is_told_and_not_in_what_is_said(chat: Talking) -> None:
    await chat.begin()
    run = chat.stage.keeper.active(chat.run_id)
    assert run is not None
    run.redaction = Redaction([Secret("token-0123")])
    run.log.redact(run.redaction)
    await chat.open()
    await chat.say("Use token-0123.")
    assert chat.sent == [session.Prompt(text="Use token-0123.", turn=1)]
    await chat.ended(1, "failed", RunError("upstream", "token-0123 is refused", "token-0123"))
    [started, ended] = [
        event for event in chat.stage.events(chat.run_id) if isinstance(event, wire.TurnStarted | wire.TurnFinished)
    ]
    assert isinstance(started, wire.TurnStarted)
    assert started.text == "Use [hidden]."
    assert isinstance(ended, wire.TurnFinished)
    assert ended.error == RunError("upstream", "[hidden] is refused", "[hidden]")


async def test_what_a_runner_says_of_other_turns_is_not_believed(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.ended(1)
    await chat.open()
    await chat.ended(2)
    await chat.ended(0)
    assert chat.turns() == [(1, "One.")]
    await chat.ended(1)
    await chat.ended(1)
    assert chat.turns() == [(1, "One."), (1, "end_turn", "over")]


async def test_a_keeper_that_comes_back_in_a_turn_says_nothing_twice(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.open()
    await chat.say("Two.")
    await chat.replace_keeper()
    await chat.open(turn=1)
    assert chat.sent == []
    await chat.ended(1)
    await chat.ended(2)
    assert chat.turns() == [(1, "One."), (1, "end_turn", "over"), (2, "Two."), (2, "end_turn", "over")]


async def test_a_turn_that_ended_while_no_keeper_was_there_is_told_after_what_was_said_in_it(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.open()
    await chat.say("Two.")
    await chat.interrupt()
    folder = chat.stage.root / ".freehold" / RUNS / chat.run_id
    await chat.stage.keeper.let_go()
    lines = [wire.encode(wire.Message(text=f"{number} " + "x" * 1000)) for number in range(200)]
    (folder / "mount" / "events.jsonl").write_bytes(b"".join(lines))
    await chat.replace_keeper()
    await chat.open(turn=1, ended=session.TurnFinished(turn=1, stop_reason="end_turn"))
    await until(lambda: len(chat.turns()) == 3)
    order = [type(event).__name__ for event in chat.stage.events(chat.run_id)]
    assert order.count("Message") == 200
    assert order[-2:] == ["TurnFinished", "TurnStarted"]
    assert chat.sent == [session.Prompt(text="Two.", turn=2)]
    assert (folder / EVENTS).exists()


async def test_a_message_that_the_runner_did_not_get_is_said_by_the_next_keeper(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.open()
    await chat.interrupt()
    await chat.replace_keeper()
    await chat.open(turn=0)
    assert chat.sent == [session.Prompt(text="One.", turn=1), session.Interrupt(turn=1)]
    assert chat.turns() == [(1, "One.")]


async def test_a_keeper_killed_between_telling_an_end_and_writing_it_down_tells_it_once(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.open()
    record = chat.stage.root / ".freehold" / RUNS / chat.run_id / RECORD_FILE
    before = record.read_bytes()
    ended = session.TurnFinished(stop_reason="end_turn", turn=1)
    await chat.runner(ended)
    await chat.stage.keeper.let_go()
    record.write_bytes(before)
    await chat.replace_keeper()
    await chat.open(turn=1, ended=ended)
    assert chat.turns() == [(1, "One."), (1, "end_turn", "over")]
    assert chat.sent == []


async def test_an_interruption_outlives_the_keeper_that_took_it(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.interrupt()
    await chat.replace_keeper()
    await chat.open()
    assert chat.sent == [session.Prompt(text="One.", turn=1), session.Interrupt(turn=1)]


async def test_finishing_outlives_the_keeper_that_took_it(chat: Talking) -> None:
    await chat.begin()
    await chat.finish()
    await chat.replace_keeper()
    await chat.open()
    assert chat.sent == [session.Finish()]


async def test_a_chat_that_ends_says_what_it_did_not_answer(chat: Talking) -> None:
    await chat.begin("One.")
    await chat.open()
    await chat.say("Two.")
    await chat.say("Three.")
    chat.code = 1
    await chat.over()
    limits = [event.message for event in chat.stage.events(chat.run_id) if isinstance(event, wire.Limit)]
    assert limits == ["the chat ended before 2 messages could be answered"]


async def test_a_chat_without_a_word_ends_as_one_that_is_done(tmp_path: Path) -> None:
    clock = ManualClock()
    stage = Stage(tmp_path / "shop", tmp_path / "home")
    stage.keeper = stage.new_keeper(clock)
    chat = Talking(stage)
    await chat.begin()
    await chat.open()
    await passes(clock, QUIET_S - 60)
    await chat.say("One.")
    await passes(clock, QUIET_S * 3)
    assert session.Finish() not in chat.sent, "what the agent is at is no silence"
    await chat.ended(1)
    await passes(clock, QUIET_S - 1)
    assert session.Finish() not in chat.sent
    await passes(clock, QUIET_S + 1)
    assert chat.sent[-1] == session.Finish()
    limits = [event.message for event in stage.events(chat.run_id) if isinstance(event, wire.Limit)]
    assert limits == ["nobody said anything for 15 minutes; the chat ends"]
    chat.ending.set()
    await stage.keeper.let_go()


@pytest.mark.parametrize("prompt", ["x" * (LONGEST_SAID + 1), " "])
async def test_a_first_message_that_is_none_begins_no_chat(chat: Talking, prompt: str) -> None:
    with pytest.raises(FreeholdError):
        await chat.stage.start(trigger=Trigger(TriggerType.CHAT, prompt=prompt))
    assert not list((chat.stage.root / ".freehold" / RUNS).glob("*"))


async def test_an_agent_with_a_test_script_cannot_be_talked_with(chat: Talking) -> None:
    (chat.stage.root / "agents" / "dev" / "test-script.sh").write_text("exit 0\n")
    with pytest.raises(FreeholdError) as caught:
        await chat.begin()
    assert caught.value.code is Code.CONFIG
    assert "test-script.sh" in caught.value.message
    chat.stage.script(FakeRun())
