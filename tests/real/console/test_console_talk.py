"""Talking with agents in a browser: a chat, a follow-up, and what was called."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest
from playwright.async_api import Page, expect

from freehold.wire.keeper import FinishChat, InterruptTurn, Say
from freehold.wire.run_api import CallRequest
from freehold.wire.runs import RunView
from tests.support.console_world import QUESTION, ConsoleWorld
from tests.support.scheduling import manual, until

pytestmark = pytest.mark.browser
WHEN = {"ts": "2026-01-01T00:00:00.000Z"}
BY = "gateway_api_key:default"


async def chat(console: ConsoleWorld, page: Page, first: str = "") -> RunView:
    """Begin a chat on the agent's page; the browser is led to it."""
    await page.goto(f"{console.address}/agents/dev")
    await page.get_by_label("Run it now, or talk with it").fill(first)
    await page.get_by_role("button", name="Chat").click()
    [run] = await console.world.world.until_runs(1)
    await page.wait_for_url(f"{console.address}/runs/{run.run_id}*")
    return run


def turn(console: ConsoleWorld, run: RunView, number: int, text: str, answer: str) -> None:
    events = console.world.events
    events.say(run.run_id, "turn.started", turn=number, text=text, by=BY, **WHEN)
    events.say(run.run_id, "message", text=answer, **WHEN)
    events.say(run.run_id, "turn.finished", turn=number, stop_reason="end_turn", **WHEN)


async def test_a_chat_is_held_interrupted_and_come_back_to_after_a_reload(console: ConsoleWorld) -> None:
    page = await console.page()
    run = await chat(console, page, "Look at issue 12")
    events = console.world.events
    assert console.world.world.keeper.starts[0].trigger.prompt == "Look at issue 12"
    turn(console, run, 1, "Look at issue 12", "It is the parser.")
    await expect(page.get_by_text("It is the parser.")).to_be_visible()
    await page.get_by_label("Say something").fill("Then mend it.\nPlease.")
    await page.get_by_label("Say something").press("Control+Enter")
    await until(lambda: bool(events.talk))
    said = events.talk[0]
    assert isinstance(said, Say)
    assert (said.text.replace("\r\n", "\n"), said.by) == ("Then mend it.\nPlease.", BY)
    events.say(run.run_id, "turn.started", turn=2, text="Then mend it.\nPlease.", by=BY, **WHEN)
    events.say(
        run.run_id, "tool.started", tool_call_id="t1", title="Edit parser.py", input={"path": "parser.py"}, **WHEN
    )
    await expect(page.get_by_text("It is at work.")).to_be_visible()
    await page.get_by_label("Say something").fill("half a thought")
    events.say(run.run_id, "tool.finished", tool_call_id="t1", status="completed", output="done", **WHEN)
    events.say(run.run_id, "message", text="I rewrite it all.", **WHEN)
    await expect(page.get_by_text("I rewrite it all.")).to_be_visible()
    await expect(page.get_by_label("Say something")).to_have_value("half a thought")  # nobody types twice
    await page.screenshot(path=console.shot("chat-light"), full_page=True)
    await page.reload()
    await expect(page.get_by_text("I rewrite it all.")).to_be_visible()
    await page.get_by_role("button", name="Interrupt").click()
    await until(lambda: len(events.talk) == 2)
    assert events.talk[1] == InterruptTurn(run.run_id)
    events.say(run.run_id, "turn.finished", turn=2, stop_reason="cancelled", **WHEN)
    await expect(page.get_by_role("button", name="Interrupt")).to_be_hidden()
    await expect(page.get_by_text("interrupted", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Finish the chat").click()
    await until(lambda: len(events.talk) == 3)
    assert events.talk[2] == FinishChat(run.run_id)
    console.world.world.keeper.end(run.run_id)
    await expect(page.get_by_label("Say something")).to_be_hidden()
    await expect(page.get_by_role("button", name="Retry")).to_be_hidden()  # a chat cannot be begun again as it was
    await page.get_by_role("link", name="Begin another chat").click()
    await expect(page.get_by_role("button", name="Chat")).to_be_visible()


async def test_two_tabs_see_the_same_chat_and_one_answers_on_a_phone(console: ConsoleWorld) -> None:
    desk = await console.page(dark=True)
    run = await chat(console, desk, "Push it")
    phone = await console.page(phone=True)
    await phone.goto(f"{console.address}/runs/{run.run_id}")
    for number in range(12):
        turn(console, run, number + 1, f"Question {number}", "An answer that goes on for a while. " * 4)
    for page in (desk, phone):
        await expect(page.get_by_text("Question 11")).to_be_visible()
    console.world.world.keeper.show(msgspec.structs.replace(run, waiting_for=(QUESTION,)))
    for page in (desk, phone):
        asked = page.get_by_role("region", name="It asks for permission")
        await expect(asked).to_contain_text("git push --force origin main")
    await desk.screenshot(path=console.shot("chat-dark"), full_page=True)
    question = phone.get_by_role("region", name="It asks for permission")
    allow = question.get_by_role("button", name="Allow once")
    await phone.screenshot(path=console.shot("chat-phone"))
    assert await phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = await allow.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    await allow.tap()
    await until(lambda: bool(console.world.events.answered))
    assert console.world.events.answered == [(run.run_id, "p-1", "allow")]
    console.world.world.keeper.show(msgspec.structs.replace(run, waiting_for=()))
    await expect(desk.get_by_role("region", name="It asks for permission")).to_be_hidden()


async def test_the_end_of_a_chat_stays_in_sight(console: ConsoleWorld) -> None:
    page = await console.page()
    run = await chat(console, page, "Hello")
    for number in range(30):
        turn(console, run, number + 1, f"Question {number}", "An answer that goes on for a while. " * 4)
    await expect(page.get_by_text("Question 29")).to_be_visible()
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    turn(console, run, 31, "One more", "The last of all answers. " * 40)
    await expect(page.get_by_text("One more")).to_be_visible()
    await expect(page.get_by_role("button", name="Finish the chat")).to_be_in_viewport()
    await page.evaluate("scrollTo(0, 0)")
    turn(console, run, 32, "And another", "Nobody looks. " * 40)
    await expect(page.get_by_text("And another")).to_be_visible()
    assert await page.evaluate("scrollY") == 0  # whoever reads above is left there


async def test_a_chat_is_read_and_held_without_scripts(console: ConsoleWorld) -> None:
    page = await console.page(script=False)
    await page.goto(f"{console.address}/agents/dev")
    await page.get_by_label("Run it now, or talk with it").fill("Hello")
    await page.get_by_role("button", name="Chat").click()
    [run] = await console.world.world.until_runs(1)
    turn(console, run, 1, "Hello", "Good morning.")
    await page.goto(f"{console.address}/runs/{run.run_id}")
    await expect(page.get_by_text("Good morning.")).to_be_visible()
    await page.get_by_label("Say something").fill("More")
    await page.get_by_role("button", name="Say it").click()
    await expect(page.get_by_role("status").first).to_have_text("It is passed on.")
    assert isinstance(console.world.events.talk[0], Say)


async def test_a_message_sent_twice_is_said_once(console: ConsoleWorld) -> None:
    page = await console.page()
    await chat(console, page, "Hello")
    await page.get_by_label("Say something").fill("Once")
    await page.evaluate(
        """() => { const form = document.querySelector('form[data-send]');
        const body = new URLSearchParams(new FormData(form));
        return Promise.all([1, 2].map(() => fetch(form.action, {method: 'POST', body, redirect: 'manual'}))); }"""
    )
    assert len(console.world.events.talk) == 1


async def test_a_follow_up_is_asked(console: ConsoleWorld) -> None:
    run = await console.begin(prompt="Fix issue 12")
    console.world.world.keeper.end(run.run_id, value="half of it")
    await console.world.world.until_closed(1)
    page = await console.page(phone=True)
    await page.goto(f"{console.address}/runs/{run.run_id}")
    await page.get_by_label("Go on from here").fill("Now the other half.")
    await page.screenshot(path=console.shot("follow-up-phone"), full_page=True)
    await page.get_by_role("button", name="Go on").tap()
    runs = await console.world.world.until_runs(2)
    await page.wait_for_url(f"{console.address}/runs/{runs[-1].run_id}*")
    prompt = console.world.world.keeper.starts[-1].trigger.prompt
    assert all(words in prompt for words in (run.run_id, "Fix issue 12", "half of it", "Now: Now the other half."))


async def test_what_a_run_called_leads_there_and_back(console: ConsoleWorld) -> None:
    run = await console.begin()
    await until(lambda: run.run_id in console.world.scheduler.dispatcher.active)
    await console.world.scheduler.calls.call(run.run_id, CallRequest("planner", "Plan it."))
    [called] = await console.world.world.until_runs(1, "planner")
    await until(lambda: called.run_id in console.world.scheduler.dispatcher.active)
    page = await console.page()
    await page.goto(f"{console.address}/runs/{run.run_id}")
    row = page.get_by_role("row").filter(has_text="planner")
    await expect(row).to_contain_text("running")
    console.world.world.keeper.end(called.run_id, value="First the parser.")
    await expect(row).to_contain_text("First the parser.")
    await page.screenshot(path=console.shot("run-calls-light"), full_page=True)
    await row.get_by_role("link").click()
    await page.get_by_role("link", name=run.run_id).click()
    await expect(page.get_by_role("heading", name=run.run_id)).to_be_visible()


async def test_what_waits_leads_to_its_run_by_itself(console: ConsoleWorld) -> None:
    await console.world.scheduler.pause("a person")
    page = await console.page(dark=True)
    await page.goto(f"{console.address}/agents/planner")
    await expect(page.get_by_role("region", name="It begins nothing now")).to_contain_text("paused")
    await page.get_by_label("Run it now, or talk with it").fill("Plan the week")
    await page.screenshot(path=console.shot("agent-paused-dark"), full_page=True)
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_role("region", name="It does not begin yet")).to_contain_text("paused")
    await page.get_by_text("What it was told").click()
    await expect(page.get_by_text("Plan the week")).to_be_visible()
    await page.screenshot(path=console.shot("trigger-waiting-dark"), full_page=True)
    await console.world.scheduler.resume("a person")
    [run] = await console.world.world.until_runs(1, "planner")
    await page.wait_for_url(f"{console.address}/runs/{run.run_id}")


async def test_an_agent_is_scaled_and_switched_on_its_page(console: ConsoleWorld) -> None:
    page = await console.page()
    await page.goto(f"{console.address}/agents/planner")
    await expect(page.get_by_role("time").first).to_be_visible()  # when it is due
    await page.get_by_role("button", name="One more at a time").click()
    await expect(page.get_by_role("status").first).to_contain_text("so many runs at a time")
    agents = console.world.scheduler.agents
    assert agents.scale(agents.agent("planner")) == 2
    await page.get_by_role("button", name="As configured (1)").click()
    await expect(page.get_by_role("button", name="As configured")).to_be_hidden()
    assert agents.scale(agents.agent("planner")) == 1
    await page.get_by_role("button", name="One less at a time").click()
    await page.get_by_role("button", name="Disable").click()
    await expect(page.get_by_role("button", name="Enable")).to_be_visible()
    await page.screenshot(path=console.shot("agent-scaled-light"), full_page=True)
    assert (agents.scale(agents.agent("planner")), agents.switches.is_enabled("planner")) == (0, False)


async def test_a_dead_letter_is_given_up(console: ConsoleWorld) -> None:
    await console.world.scheduler.pause("a person")
    taken = await console.world.scheduler.intake.take(manual(prompt="Too late"))
    await console.world.scheduler.intake.discard(taken.trigger.id, "a person")
    page = await console.page()
    await page.goto(f"{console.address}/queue")
    await page.get_by_role("row").filter(has_text="dev").get_by_role("link").last.click()
    await expect(page.get_by_role("region", name="Why it was given up")).to_contain_text("discarded by a person")
    await page.screenshot(path=console.shot("dead-letter-light"), full_page=True)
    await page.get_by_role("button", name="Discard").click()
    await expect(page.get_by_role("status").first).to_have_text("It is given up for good.")
    await expect(page.get_by_text("There is none.")).to_be_visible()


async def test_a_chat_by_keyboard_alone(console: ConsoleWorld) -> None:
    page = await console.page()
    run = await chat(console, page, "Hello")
    turn(console, run, 1, "Hello", "Good morning.")
    console.world.world.keeper.show(msgspec.structs.replace(run, waiting_for=(QUESTION,)))
    await expect(page.get_by_role("region", name="It asks for permission")).to_be_visible()
    await tab_to(page, "Say something", "textbox")
    await page.keyboard.type("Go on")
    await page.keyboard.press("Control+Enter")
    await until(lambda: bool(console.world.events.talk))
    await expect(page.get_by_role("status").first).to_have_text("It is passed on.")
    await tab_to(page, "Reject", "button")
    await page.keyboard.press("Enter")
    await until(lambda: bool(console.world.events.answered))
    assert console.world.events.answered == [(run.run_id, "p-1", "reject")]


async def tab_to(page: Page, name: str, role: Literal["button", "textbox"]) -> None:
    wanted = page.get_by_role(role, name=name)
    for _ in range(60):
        if await wanted.evaluate("one => one === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{name} is not reached by keyboard")
