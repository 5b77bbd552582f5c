"""What an owner comes to the console for: what it costs, whether an edit is at work, who may ask, and who did what."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from freehold.base.clock import rfc3339
from freehold.gateway.gateway import watch_standing
from freehold.scheduler.edition import Composer
from freehold.store import run_index
from freehold.wire.runs import ModelUse, Result, RunState, RunView, Trigger, TriggerType, Usage
from tests.support.console_world import ConsoleWorld

pytestmark = pytest.mark.browser
NEW_PAGES = ("/usage", "/configuration", "/keys", "/audit")


async def spent(console: ConsoleWorld) -> None:
    """Forty days of runs: `planner` cost most of all time, `dev` most of this month (it is the 1st of January)."""
    now = console.world.gateway.service.clock.now()

    def run(number: int, agent: str, days: int, cost_usd: float, result: Result) -> RunView:
        at = rfc3339(now - timedelta(days=days))
        usage = Usage(12_000 + 300 * number, 2_100, 48_000, 900, 9, 4)
        return RunView(
            run_id=f"{agent}-{number}", agent=agent, attempt=1, trigger=Trigger(TriggerType.MANUAL),
            state=RunState.FINISHED, queued_at=at, started_at=at, finished_at=at, result=result, usage=usage,
            cost_usd=cost_usd, models={"claude-sonnet-4-5": ModelUse(usage, cost_usd)},
        )  # fmt: skip

    runs = [
        run(number, "planner", number, 0.9 + number % 5 / 4, Result.ERROR if number % 7 == 3 else Result.COMPLETED)
        for number in range(1, 40)
    ]
    runs += [run(50, "dev", 0, 0.31, Result.COMPLETED), run(51, "planner", 0, 0.12, Result.COMPLETED)]
    await console.world.gateway.service.database.write(lambda c: [run_index.record(c, one) for one in runs])


async def no_wider_than_the_screen(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_which_agent_cost_most_this_month_is_found(console: ConsoleWorld) -> None:
    await spent(console)
    page = await console.page()
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Usage").click()
    agents = page.locator("#agents tbody tr")
    await expect(agents.first).to_contain_text("planner")
    await page.screenshot(path=console.shot("usage-light"), full_page=True)
    await page.get_by_role("link", name="This month").click()
    await expect(agents.first).to_contain_text("dev")
    await expect(agents.first).to_contain_text("$0.3100")
    await page.get_by_role("link", name="90 days").click()
    await expect(page.locator("figure canvas")).to_have_count(3)
    drawn = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size > 3"
    assert await page.locator("figure canvas").first.evaluate(drawn)  # it is no empty sheet
    await agents.first.get_by_role("link", name="planner").click()
    await expect(page.get_by_role("heading", name="Usage and cost of planner")).to_be_visible()
    await page.screenshot(path=console.shot("usage-agent-light"), full_page=True)


async def test_without_scripts_the_tables_say_what_the_charts_show(console: ConsoleWorld) -> None:
    await spent(console)
    page = await console.page(script=False)
    await page.goto(f"{console.address}/usage?period=month")
    await expect(page.locator("figure").first).to_be_hidden()
    day = page.locator("#days tbody tr").last
    await expect(day).to_be_visible()
    for words in ("2026-01-01", "2", "$0.4300"):
        await expect(day).to_contain_text(words)
    await expect(page.locator("#models tbody tr").first).to_contain_text("claude-sonnet-4-5")


async def test_a_key_is_made_for_ci_and_revoked(console: ConsoleWorld) -> None:
    page = await console.page()
    await page.get_by_role("link", name="Keys").click()
    await page.screenshot(path=console.shot("keys-light"), full_page=True)
    await page.get_by_text("Make a key").click()
    await page.get_by_label("Name").fill("CI")
    await page.get_by_label("It may").select_option("trigger")
    await page.get_by_label("For", exact=True).select_option("30")
    await page.get_by_role("button", name="Make it").click()
    made = page.get_by_role("region", name="The new key")
    key = (await made.locator("pre").inner_text()).strip()
    assert re.fullmatch(r"fh_[\w-]{43}", key)
    await page.screenshot(path=console.shot("key-made-light"), full_page=True)
    asking = {"authorization": f"Bearer {key}"}
    world = console.world.asking(host=console.address.removeprefix("http://"))
    assert (await world.get("/api/v1/status", headers=asking)).status_code == 200
    assert (await world.post("/api/v1/pause", headers=asking)).status_code == 403
    await page.goto(f"{console.address}/keys")
    await expect(page.get_by_text(key)).to_have_count(0)  # it was shown that once
    row = page.get_by_role("row").filter(has_text="CI")
    await expect(row).to_contain_text("now")  # it was used just now
    await row.get_by_text("Revoke", exact=True).click()
    await page.screenshot(path=console.shot("key-revoke-light"), full_page=True)
    await row.get_by_role("button", name="Yes, revoke CI").click()
    await expect(page.get_by_role("status").first).to_have_text("The key opens nothing any more.")
    assert (await world.get("/api/v1/status", headers=asking)).status_code == 401
    await page.get_by_text("that open nothing any more").click()
    await expect(page.get_by_role("row").filter(has_text="CI")).to_contain_text("revoked")


async def test_a_name_that_cannot_be_is_said_and_kept(console: ConsoleWorld) -> None:
    page = await console.page()
    await page.goto(f"{console.address}/keys")
    await page.get_by_text("Make a key").click()
    await page.get_by_label("Name").fill("gateway_api_key:mine")
    await page.get_by_role("button", name="Make it").click()
    await expect(page.get_by_role("region", name="No key was made")).to_contain_text("would be taken for")
    await expect(page.get_by_label("Name")).to_have_value("gateway_api_key:mine")
    await console.refusal_told()


@contextlib.asynccontextmanager
async def standing_watched(console: ConsoleWorld) -> AsyncIterator[None]:
    """As in a service, where an open page is told of edits."""
    watching = asyncio.create_task(watch_standing(console.world.gateway))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_why_an_edit_does_not_take_effect_is_seen(console: ConsoleWorld) -> None:
    made, scheduler = console.world.world, console.world.scheduler
    composer = made.composer()
    scheduler.take_over(composer.compose(None, time.time_ns()))
    page = await console.page(dark=True)
    async with standing_watched(console):
        await an_edit_is_seen(console, page, composer)


async def an_edit_is_seen(console: ConsoleWorld, page: Page, composer: Composer) -> None:
    made, scheduler = console.world.world, console.world.scheduler
    config = made.project / "agents" / "planner" / "config.toml"
    config.write_text(config.read_text().replace("0 9 * * *", "every morning"))
    scheduler.take_over(composer.compose(scheduler.agents.edition, time.time_ns()))
    await page.get_by_role("link", name="Configuration").click()
    trouble = page.get_by_role("region", name="An edit of planner is not taken over; the version before goes on")
    await expect(trouble).to_contain_text("agents/planner/config.toml: schedule")
    await page.screenshot(path=console.shot("configuration-error-dark"), full_page=True)
    await page.get_by_role("link", name="planner").first.click()
    await expect(page.get_by_role("region", name=re.compile("An edit of planner"))).to_contain_text("every morning")
    await page.screenshot(path=console.shot("agent-edit-error-dark"), full_page=True)
    await page.get_by_role("button", name="Run", exact=True).click()  # the version before goes on
    await made.until_runs(1, "planner")
    await page.goto(f"{console.address}/configuration")
    config.write_text(config.read_text().replace("every morning", "0 10 * * *"))
    scheduler.take_over(composer.compose(scheduler.agents.edition, time.time_ns()))
    await expect(trouble).to_have_count(0)  # nobody loaded the page again
    await page.screenshot(path=console.shot("configuration-dark"), full_page=True)
    project = made.project / "config.toml"
    project.write_text(project.read_text() + "\n[models.sonnet\n")
    scheduler.take_over(composer.compose(scheduler.agents.edition, time.time_ns()))
    own = page.get_by_role("region", name=re.compile("An edit of the project's own files is not taken over"))
    await expect(own).to_contain_text("config.toml")  # nor here


async def test_who_switched_an_agent_off_is_found(console: ConsoleWorld) -> None:
    page = await console.page()
    await page.get_by_role("button", name="Run planner").click()
    await page.goto(f"{console.address}/")
    await page.get_by_role("button", name="Disable dev").click()
    await page.get_by_role("link", name="Audit").click()
    await page.screenshot(path=console.shot("audit-light"), full_page=True)
    await page.get_by_label("Did what").select_option("agent.disable")
    await page.get_by_role("button", name="Show").click()
    [row] = await page.locator("tbody tr").all()
    for words in ("agent.disable", "dev", "gateway_api_key:default", "127.0.0.1"):
        await expect(row).to_contain_text(words)
    await row.get_by_role("link", name="dev").click()
    await expect(page.get_by_role("heading", name="dev")).to_be_visible()
    await page.goto(f"{console.address}/audit?since=2025-12-01&until=2025-12-31")
    await expect(page.get_by_text("Nobody did such a thing.")).to_be_visible()


async def test_a_link_from_elsewhere_leads_to_its_page(console: ConsoleWorld) -> None:
    """As in a notice that somebody reads in a browser's mail."""
    run = await console.begin()
    await console.fail(run)
    page = await console.page()
    await page.route("http://mail.example/", lambda route: route.fulfill(
        body=f'<a href="{console.address}/runs/{run.run_id}">The run</a>'
             f'<form method="post" action="{console.address}/agents/dev/disable"><button>Evil</button></form>',
        content_type="text/html",
    ))  # fmt: skip
    await page.goto("http://mail.example/")
    await page.get_by_role("link", name="The run").click()
    await expect(page.get_by_role("region", name="It ended with an error")).to_be_visible()
    await page.goto("http://mail.example/")
    await page.get_by_role("button", name="Evil").click()
    await page.wait_for_url(f"{console.address}/**")
    assert console.world.scheduler.agents.switches.is_enabled("dev")
    await console.refusal_told()


@pytest.mark.parametrize("address", NEW_PAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_new_page_fits_a_phone(console: ConsoleWorld, address: str, dark: bool) -> None:
    await spent(console)
    await console.begin()
    page = await console.page(phone=True, dark=dark)
    await page.goto(f"{console.address}{address}")
    await page.get_by_role("heading", level=1).wait_for()
    await no_wider_than_the_screen(page)
    name = f"phone-{'dark' if dark else 'light'}-{address.strip('/')}"
    await page.screenshot(path=console.shot(name), full_page=True)


@pytest.mark.parametrize("address", NEW_PAGES)
async def test_every_new_page_in_the_dark(console: ConsoleWorld, address: str) -> None:
    await spent(console)
    page = await console.page(dark=True)
    await page.goto(f"{console.address}{address}")
    await page.get_by_role("heading", level=1).wait_for()
    await page.screenshot(path=console.shot(f"{address.strip('/')}-dark"), full_page=True)


async def test_a_key_is_made_by_keyboard_alone(console: ConsoleWorld) -> None:
    page = await console.page()
    await page.goto(f"{console.address}/keys")
    summary = page.locator("summary", has_text="Make a key")
    for _ in range(40):
        if await summary.evaluate("one => one === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("by hand")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("region", name="The new key")).to_contain_text("by hand")
