"""What people come to the console for, done in a real browser."""

from __future__ import annotations

import msgspec
import pytest
from playwright.async_api import Page, expect

from freehold.wire.runs import RunView
from tests.support.console_world import PHASES, QUESTION, ConsoleWorld
from tests.support.scheduling import manual, until

pytestmark = pytest.mark.browser


def say(console: ConsoleWorld, run: RunView) -> None:
    """A run as agents have them: it reads, thinks, uses tools, and goes out."""
    events = console.world.events
    when = {"ts": "2026-01-01T00:00:00.000Z"}
    events.say(run.run_id, "message", text="I look at the ", **when)
    events.say(run.run_id, "message", text="issue first.", **when)
    events.say(run.run_id, "thought", text="The parser may be at fault.", **when)
    events.say(
        run.run_id, "tool.started", tool_call_id="t1", title="Run pytest -q",
        input={"command": "pytest -q"}, **when,
    )  # fmt: skip
    events.say(run.run_id, "tool.finished", tool_call_id="t1", status="failed", output="1 failed, 41 passed", **when)
    egress = {"bytes_out": 1200, "bytes_in": 48_000, "duration_s": 1.2}
    events.say(run.run_id, "egress", host="api.github.com", port=443, allowed=True, **egress, **when)
    events.say(run.run_id, "egress", host="evil.example", port=443, allowed=False, reason="not in the list", **when)


async def no_wider_than_the_screen(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_why_the_last_run_failed_is_found_in_three_clicks(console: ConsoleWorld) -> None:
    run = await console.begin()
    say(console, run)
    await console.fail(run)
    page = await console.page()
    await page.screenshot(path=console.shot("agents-light"), full_page=True)
    await page.get_by_role("link", name="Last run of dev: error").click()  # one is enough
    trouble = page.get_by_role("region", name="It ended with an error")
    await expect(trouble).to_contain_text("529 overloaded")
    await expect(trouble).to_contain_text("Wait, or name a fallback model.")
    await expect(page.get_by_text("I look at the issue first.")).to_be_visible()
    await expect(page.get_by_text("1 failed, 41 passed")).to_be_visible()
    await page.screenshot(path=console.shot("run-failed-light"), full_page=True)
    await page.get_by_role("link", name="dev", exact=True).click()
    await page.screenshot(path=console.shot("agent-light"), full_page=True)
    await page.get_by_role("link", name="All its runs").click()
    await expect(page.get_by_role("combobox", name="Agent")).to_have_value("dev")
    await page.screenshot(path=console.shot("runs-light"), full_page=True)


async def test_a_dead_letter_is_replayed(console: ConsoleWorld) -> None:
    scheduler = console.world.scheduler
    await scheduler.pause("a person")
    await scheduler.intake.take(manual(prompt="again"))
    page = await console.page(dark=True)
    await page.get_by_role("link", name="Queue").click()
    await page.screenshot(path=console.shot("queue-dark"), full_page=True)
    await page.get_by_role("button", name="Discard for dev").click()
    await expect(page.get_by_text("Nothing waits.")).to_be_visible()
    await page.screenshot(path=console.shot("dead-letters-dark"), full_page=True)
    await page.get_by_role("button", name="Replay for dev").click()
    await expect(page.get_by_role("status").first).to_have_text("It waits again.")
    await expect(page.get_by_role("button", name="Discard for dev")).to_be_visible()
    assert not console.world.world.runs_of()
    await page.get_by_role("link", name="Agents").click()
    await page.get_by_role("button", name="Resume the project").click()
    await console.world.world.until_runs(1)


async def test_a_permission_is_answered_from_a_phone(console: ConsoleWorld) -> None:
    run = await console.begin()
    say(console, run)
    asks = msgspec.structs.replace(run, waiting_for=(QUESTION,), phases_s=PHASES)
    page = await console.page(phone=True)
    await page.screenshot(path=console.shot("agents-phone"), full_page=True)
    await page.get_by_role("link", name="Last run of dev: running").tap()
    await page.get_by_text("I look at the issue first.").wait_for()
    console.world.world.keeper.show(asks)  # the page is open: it comes by itself
    question = page.get_by_role("region", name="It asks for permission")
    await expect(question).to_contain_text("git push --force origin main")
    await page.screenshot(path=console.shot("run-asks-phone"), full_page=True)
    await no_wider_than_the_screen(page)
    box = await question.get_by_role("button", name="Reject").bounding_box()
    assert box is not None
    assert box["height"] >= 44  # a thumb's size (WCAG 2.2, 2.5.5)
    await question.get_by_role("button", name="Reject").tap()
    await expect(page.get_by_role("status").first).to_have_text("Your answer was passed on.")
    assert console.world.events.answered == [(run.run_id, "p-1", "reject")]


async def test_an_agent_that_spends_is_stopped(console: ConsoleWorld) -> None:
    run = await console.begin()
    console.world.world.keeper.show(msgspec.structs.replace(run, cost_usd=31.7, status_text="Trying once more"))
    await until(lambda: console.world.gateway.views.latest["dev"].cost_usd == 31.7)
    page = await console.page(dark=True)
    row = page.get_by_role("row").filter(has_text="dev")
    await expect(row).to_contain_text("$31.70")
    await page.screenshot(path=console.shot("agents-dark"), full_page=True)
    await row.get_by_role("button", name="Disable dev").click()
    await expect(page.get_by_role("status").first).to_contain_text("It is disabled")
    await page.get_by_role("button", name="Kill the runs of dev").click()
    await expect(page.get_by_role("row").filter(has_text="dev")).to_contain_text("killed")
    await expect(page.get_by_role("row").filter(has_text="dev")).to_contain_text("disabled")
    await page.get_by_role("link", name="Last run of dev: killed").click()
    await page.screenshot(path=console.shot("run-killed-dark"), full_page=True)


async def test_a_question_that_waits_is_one_click_from_the_first_page(console: ConsoleWorld) -> None:
    run = await console.begin()
    asks = msgspec.structs.replace(run, waiting_for=(QUESTION,), status_text="asks for permission: git push")
    console.world.world.keeper.show(asks)
    page = await console.page(phone=True)
    await page.get_by_role("link", name="asks for permission: git push").click()
    await expect(page.get_by_role("button", name="Allow once")).to_be_visible()


async def test_a_page_shows_what_is_said_while_it_is_open(console: ConsoleWorld) -> None:
    run = await console.begin()
    say(console, run)
    page = await console.page()
    await page.goto(f"{console.address}/runs/{run.run_id}")
    await page.get_by_text("thought", exact=True).click()
    await expect(page.get_by_text("The parser may be at fault.")).to_be_visible()
    console.world.events.say(run.run_id, "message", text="It is the parser.", ts="2026-01-01T00:00:00.000Z")
    await expect(page.get_by_text("It is the parser.")).to_be_visible()
    await expect(page.get_by_text("The parser may be at fault.")).to_be_visible()  # what was unfolded stays so
    await page.screenshot(path=console.shot("run-live-light"), full_page=True)


async def test_without_scripts_everything_is_there_and_forms_work(console: ConsoleWorld) -> None:
    await console.world.deliver()
    await console.world.world.until_runs(1)
    page = await console.page(script=False)
    for name in ("Runs", "Queue", "Webhooks", "Locks", "Agents"):
        await page.get_by_role("navigation").get_by_role("link", name=name).click()
        await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    await page.get_by_role("button", name="Run planner").click()
    await expect(page.get_by_role("status").first).to_contain_text("Taken in")
    await console.world.world.until_runs(1, "planner")
    await page.get_by_role("link", name="Webhooks").click()
    await page.get_by_role("row").filter(has_text="hub").get_by_role("link").first.click()
    await expect(page.get_by_text("x-github-delivery")).to_be_visible()
    await page.screenshot(path=console.shot("receipt-light"), full_page=True)
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_label("API key")).to_be_visible()
    await page.screenshot(path=console.shot("login-light"))


@pytest.mark.parametrize("address", ["/", "/agents/dev", "/runs", "/queue", "/receipts", "/locks"])
async def test_every_page_fits_a_phone(console: ConsoleWorld, address: str) -> None:
    await console.fail(await console.begin())
    await console.world.deliver()
    page = await console.page(phone=True, dark=True)
    await page.goto(f"{console.address}{address}")
    await no_wider_than_the_screen(page)
    name = address.strip("/").replace("/", "-") or "front"
    await page.screenshot(path=console.shot(f"phone-dark-{name}"), full_page=True)


async def test_by_keyboard_alone(console: ConsoleWorld) -> None:
    page = await console.page()
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("To the content")).to_be_focused()
    run = page.get_by_role("button", name="Run planner")
    for _ in range(40):
        if await run.evaluate("button => button === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await expect(run).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").first).to_contain_text("Taken in")
    await console.world.world.until_runs(1, "planner")
