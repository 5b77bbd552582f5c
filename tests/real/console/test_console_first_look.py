"""What somebody sees who looks at a project of three agents for the first time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Locator, expect

from freehold.wire.events import HookOutput
from tests.support.console_world import QUESTION, ConsoleWorld, console_world

pytestmark = pytest.mark.browser

WHEN = {"ts": "2026-01-01T00:00:00.000Z"}


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[ConsoleWorld]:
    async with console_world(tmp_path, "release") as made:
        yield made
        assert made.said == []


async def lines_of(cell: Locator) -> int:
    """How many lines its text takes."""
    found: int = await cell.evaluate(
        "cell => { const range = document.createRange(); range.selectNodeContents(cell);"
        " return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size }"
    )
    return found


async def test_the_page_that_is_open_is_marked_after_a_button_too(three: ConsoleWorld) -> None:
    page = await three.page()
    await page.get_by_role("button", name="Pause the project").click()
    await expect(page.get_by_role("status").first).to_contain_text("is paused")
    await expect(page.get_by_role("navigation").get_by_role("link", name="Agents")).to_have_attribute(
        "aria-current", "page"
    )
    await expect(page.get_by_role("region", name="Nothing begins")).to_contain_text("The project is paused")
    await page.get_by_role("button", name="Run release").click()
    await expect(page.get_by_role("status").first).to_contain_text("It waits")
    await page.screenshot(path=three.shot("first-paused-light"), full_page=True)
    await page.get_by_role("link", name="release").click()
    waiting = page.locator("dl div").filter(has_text="Waiting").get_by_role("link")
    await expect(waiting).to_have_text("1")
    await waiting.click()
    await expect(page.get_by_role("heading", name="Queue", exact=True)).to_be_visible()


async def test_whoever_sets_up_a_webhook_finds_its_address_and_what_was_refused(three: ConsoleWorld) -> None:
    headers, body = three.world.signed()
    await three.world.anybody.post("/webhooks/hub", content=b"forged" + body, headers=headers)
    page = await three.page()
    await page.get_by_role("link", name="Configuration").click()
    await expect(page.get_by_text("may call planner")).to_be_visible()
    await page.screenshot(path=three.shot("first-configuration-light"), full_page=True)
    await page.get_by_role("link", name="Webhooks").click()
    refused = page.get_by_role("group").filter(has_text="Refused since the start: 1")
    await expect(refused).to_contain_text("its signature is by none of 1 secret")  # nothing else is there: it is open
    await page.screenshot(path=three.shot("first-refused-light"), full_page=True)
    for phone in (False, True):
        page = await three.page(phone=phone)
        await page.goto(f"{three.address}/receipts")
        boxes = [await page.get_by_label(name).bounding_box() for name in ("Source", "Outcome", "Text")]
        assert len({round(box["height"]) for box in boxes if box}) == 1


async def test_names_and_addresses_in_the_audit_are_not_cut_in_two(three: ConsoleWorld) -> None:
    page = await three.page()
    await page.set_viewport_size({"width": 1000, "height": 800})
    await page.get_by_role("button", name="Run release").click()  # what stands beside them takes room
    await expect(page.get_by_role("status").first).to_contain_text("Taken in")
    await page.get_by_role("link", name="Audit").click()
    row = page.get_by_role("row").filter(has_text="agent.trigger")
    assert [await lines_of(row.locator(f"td.{column}")) for column in ("name", "address")] == [1, 1]
    await page.screenshot(path=three.shot("first-audit-light"), full_page=True)


async def test_a_run_reads_from_top_to_bottom(three: ConsoleWorld) -> None:
    run = await three.begin()
    events = three.world.events
    for text, code in (("one\n", None), ("two\n", None), ("", 0)):
        told = HookOutput(hook="context 1", text=text, exit_code=code)
        events.say(run.run_id, "hook.output", hook=told.hook, text=told.text, exit_code=told.exit_code, **WHEN)
    events.say(run.run_id, "message", text="I push.", **WHEN)
    options = msgspec.to_builtins(QUESTION.options)
    asked = {"permission_id": "p-1", "title": QUESTION.title, "options": options}
    events.say(run.run_id, "permission.asked", **asked, **WHEN)
    events.say(run.run_id, "permission.answered", permission_id="p-1", option_id="allow", by="person", **WHEN)
    page = await three.page()
    await page.goto(f"{three.address}/runs/{run.run_id}")
    hook = page.get_by_text("hook context 1")
    await expect(hook).to_have_count(1)
    await hook.click()
    await expect(page.locator("pre").filter(has_text="one")).to_have_text("one\ntwo\n")
    await expect(page.get_by_text("answered by person Allow once")).to_be_visible()
    await page.screenshot(path=three.shot("first-run-light"), full_page=True)
