"""The head of every page: one row on a phone, where the page that is open is seen and all others are reached."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.console_world import ConsoleWorld

pytestmark = pytest.mark.browser
PAGES = ("Agents", "Runs", "Queue", "Webhooks", "Locks", "Usage", "Configuration", "Keys", "Audit")
_ONE_ROW = 56  # pixels: one line with room for a thumb


async def _seen_pixels(page: Page, name: str) -> tuple[float, float]:
    """How many pixels of the link are on the screen and below no other link, and how wide it is."""
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name=name)
    seen, wide = await link.evaluate(
        """link => {
          const box = link.getBoundingClientRect(), middle = (box.top + box.bottom) / 2;
          let seen = 0;
          for (let x = Math.ceil(box.left); x < box.right; x += 1)
            seen += document.elementFromPoint(x, middle) === link;
          return [seen, box.width];
        }"""
    )
    return seen, wide


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_on_a_phone_the_head_is_one_row_and_shows_the_page_that_is_open(
    console: ConsoleWorld, script: bool
) -> None:
    page = await console.page(phone=True, script=script)
    for path, name in (("/", "Agents"), ("/usage", "Usage"), ("/audit", "Audit")):
        await page.goto(f"{console.address}{path}")
        box = await page.locator("header.top").bounding_box()
        assert box
        assert box["height"] <= _ONE_ROW
        seen, wide = await _seen_pixels(page, name)
        assert seen >= wide - 2
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.screenshot(path=console.shot("head-phone"))


async def test_on_a_phone_every_page_is_reached_by_keyboard_and_seen_when_it_is(console: ConsoleWorld) -> None:
    page = await console.page(phone=True)
    await page.goto(f"{console.address}/locks")
    await page.keyboard.press("Tab")  # the skip link
    await page.keyboard.press("Tab")  # the project
    for name in PAGES:
        await page.keyboard.press("Tab")
        link = page.get_by_role("navigation", name="Pages").get_by_role("link", name=name)
        await expect(link).to_be_focused()
        seen, wide = await _seen_pixels(page, name)
        assert seen >= wide - 2, name
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Log out")).to_be_in_viewport(ratio=1)


async def test_who_has_no_key_is_told_in_which_file_the_first_one_is(console: ConsoleWorld) -> None:
    page = await (await console.context()).new_page()
    await page.goto(f"{console.address}/")
    await expect(page.locator("form.login")).to_contain_text("~/.freehold/credentials/gateway_api_key/default/key")


async def test_the_charts_of_a_project_that_is_a_day_old_name_that_day(console: ConsoleWorld) -> None:
    run = await console.begin()
    await console.fail(run)
    page = await console.page()
    await page.add_init_script(
        """const write = CanvasRenderingContext2D.prototype.fillText;
        window.written = [];
        CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
          window.written.push(text); return write.call(this, text, ...rest);
        };"""
    )
    await page.goto(f"{console.address}/usage")
    await expect(page.locator("figure canvas")).to_have_count(3)
    day = await page.locator("#days tbody tr").get_attribute("data-day")
    written = await page.evaluate("window.written")
    assert {text for text in written if re.fullmatch(r"\d{4}-\d\d-\d\d", text)} == {day}
