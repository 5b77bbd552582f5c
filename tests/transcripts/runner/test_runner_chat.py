"""A chat of the real runner against a fake keeper: turns, interruptions, refusals, and a keeper that goes away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.wire import session
from freehold.wire.brief import Brief
from freehold.wire.events import HookOutput, Message
from freehold.wire.exits import ExitCode
from freehold.wire.runs import Phase
from tests.support.fake_keeper import Ended, FakeKeeper, script


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[FakeKeeper]:
    keeper = FakeKeeper(tmp_path)
    await keeper.open()
    yield keeper
    await keeper.close()


def chat(keeper: FakeKeeper, name: str, *arguments: str, **changes: object) -> Brief:
    return keeper.brief(script(name, *arguments), prompt="<blocks>", keep_open=True, **changes)


async def begun(keeper: FakeKeeper) -> None:
    """Until the session phase is there, which is when a keeper says the first message."""
    entered = session.EnterPhase(phase=Phase.SESSION)
    await keeper.wait_for(lambda: entered in keeper.said)


def turns(keeper: FakeKeeper) -> list[tuple[int, str]]:
    return [(message.turn, message.stop_reason) for message in keeper.said if isinstance(message, session.TurnFinished)]


async def say(keeper: FakeKeeper, turn: int, text: str) -> None:
    """Say it, and wait until it is answered."""
    await keeper.send(session.Prompt(text=text, turn=turn))
    await keeper.wait_for(lambda: turn in dict(turns(keeper)))


async def interrupt(keeper: FakeKeeper, turn: int) -> None:
    """Begin this turn of a harness that says `ready`, and end it."""
    await keeper.send(session.Prompt(text="go", turn=turn))
    await keeper.wait_for(lambda: "".join(_messages(keeper)).count("ready") == turn)
    await keeper.send(session.Interrupt(turn=turn))
    await keeper.wait_for(lambda: turn in dict(turns(keeper)))


def said(ended: Ended) -> str:
    return "".join(ended.texts(Message))


async def test_each_message_is_a_turn_and_finishing_ends_the_run_as_done(keeper: FakeKeeper) -> None:
    await keeper.start(chat(keeper, "echo", skill="Be brief.", post_hooks=["echo after"]))
    await begun(keeper)
    await say(keeper, 1, "one")
    await say(keeper, 2, "two")
    await keeper.send(session.Finish())
    ended = await keeper.ended()
    assert said(ended) == "I was told: Be brief.\n<blocks>\n\noneI was told: two"
    assert turns(keeper) == [(1, "end_turn"), (2, "end_turn")]
    assert (ended.exit_code, ended.error) == (0, "")
    assert any(isinstance(event, HookOutput) for event in ended.events), "post hooks run"


async def test_a_chat_is_cancelled_as_any_run(keeper: FakeKeeper) -> None:
    await keeper.start(chat(keeper, "echo"))
    await begun(keeper)
    await say(keeper, 1, "one")
    await keeper.send(session.Cancel(reason="the person left"))
    ended = await keeper.ended()
    assert ended.exit_code == ExitCode.ABORTED
    assert "the person left" in ended.error


async def test_an_interruption_ends_the_turn_and_not_the_chat(keeper: FakeKeeper) -> None:
    await keeper.start(chat(keeper, "polite"))
    await begun(keeper)
    for turn in (1, 2):
        await interrupt(keeper, turn)
    await keeper.send(session.Finish())
    ended = await keeper.ended()
    assert said(ended) == "readystoppingreadystopping"
    assert turns(keeper) == [(1, "cancelled"), (2, "cancelled")]
    assert [message.error for message in ended.said if isinstance(message, session.TurnFinished)] == [None, None]
    assert ended.exit_code == 0


async def test_a_turn_that_is_interrupted_before_it_begins_is_not_said(keeper: FakeKeeper) -> None:
    await keeper.start(chat(keeper, "echo"))
    await begun(keeper)
    await keeper.send(session.Interrupt(turn=1))
    await say(keeper, 1, "never")
    await say(keeper, 2, "two")
    await keeper.send(session.Finish())
    ended = await keeper.ended()
    assert turns(keeper) == [(1, "cancelled"), (2, "end_turn")]
    assert said(ended) == "I was told: <blocks>\n\ntwo"


async def test_an_open_question_is_cancelled_with_its_turn_and_the_next_one_is_asked(keeper: FakeKeeper) -> None:
    keeper.decide = lambda asked: None if asked.permission_id == "p1" else "yes"
    await keeper.start(chat(keeper, "asks"))
    await begun(keeper)
    await keeper.send(session.Prompt(text="go", turn=1))
    await keeper.wait_for(lambda: any(isinstance(message, session.AskPermission) for message in keeper.said))
    await keeper.send(session.Interrupt(turn=1))
    await keeper.wait_for(lambda: 1 in dict(turns(keeper)))
    await say(keeper, 2, "again")
    await keeper.send(session.Finish())
    ended = await keeper.ended()
    assert '"cancelled"' in said(ended)
    assert '"optionId": "yes"' in said(ended)


async def test_a_refused_prompt_is_told_and_does_not_end_the_chat(keeper: FakeKeeper) -> None:
    await keeper.start(chat(keeper, "refuses", '{"code": -32603, "message": "the model is overloaded"}'))
    await begun(keeper)
    await say(keeper, 1, "one")
    await say(keeper, 2, "two")
    await keeper.send(session.Finish())
    ended = await keeper.ended()
    assert turns(keeper) == [(1, "failed"), (2, "failed")]
    errors = [message.error for message in ended.said if isinstance(message, session.TurnFinished)]
    assert all(error and "the model is overloaded" in error.message for error in errors)
    assert (ended.exit_code, ended.error) == (0, "")


@pytest.mark.parametrize("when", ["in a turn", "between turns"])
async def test_a_harness_that_dies_ends_the_chat(keeper: FakeKeeper, when: str) -> None:
    await keeper.start(chat(keeper, "mortal"))
    await begun(keeper)
    if when == "in a turn":
        await keeper.send(session.Prompt(text="die", turn=1))
    else:
        await say(keeper, 1, "die later")
    ended = await keeper.ended()
    assert ended.exit_code == ExitCode.ERROR
    assert "ended by itself (exit code 7)" in ended.error


async def test_a_harness_that_was_silent_between_turns_is_not_taken_for_hung(keeper: FakeKeeper) -> None:
    await keeper.start(chat(keeper, "slow", silence_timeout_s=0.6))
    await begun(keeper)
    await say(keeper, 1, "one")
    heard = keeper.directory / "work" / "later"
    await keeper.wait_for(heard.exists)  # it waits for longer than the silence that ends a turn
    await say(keeper, 2, "two")
    await keeper.send(session.Finish())
    ended = await keeper.ended()
    assert (turns(keeper), ended.exit_code) == ([(1, "end_turn"), (2, "end_turn")], 0)


async def test_a_keeper_that_comes_back_learns_what_it_missed_and_says_nothing_twice(keeper: FakeKeeper) -> None:
    await keeper.start(chat(keeper, "echo"))
    await begun(keeper)
    await say(keeper, 1, "one")
    await keeper.send(session.Prompt(text="two", turn=2))
    await keeper.close()
    await keeper.wait_for(lambda: "two" in "".join(_messages(keeper)))
    keeper.said.clear()
    await keeper.open()
    await keeper.wait_for(lambda: any(isinstance(message, session.Hello) for message in keeper.said))
    hello = next(message for message in keeper.said if isinstance(message, session.Hello))
    assert hello.turn == 2
    assert hello.ended == session.TurnFinished(stop_reason="end_turn", turn=2)
    await keeper.send(session.Prompt(text="two", turn=2))
    await say(keeper, 3, "three")
    await keeper.send(session.Finish())
    ended = await keeper.ended()
    assert said(ended) == "I was told: <blocks>\n\noneI was told: twoI was told: three"


def _messages(keeper: FakeKeeper) -> list[str]:
    return [event.text for event in keeper.events() if isinstance(event, Message)]
