"""A console in a browser: the real gateway on a real port, its runs played, and time that goes by."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from freehold.base.clock import ManualClock
from freehold.gateway.server import serving
from freehold.wire.permission import OpenPermission, PermissionOption
from freehold.wire.runs import Phase, Result, RunError, RunView, Usage
from tests.support.gateway_world import GatewayWorld, gateway_world, hooked_world
from tests.support.scheduling import manual, until

CHROMIUM = "/usr/bin/chromium"
PHONE = {"width": 320, "height": 660}
DESK = {"width": 1280, "height": 860}
SHOTS = Path(__file__).parents[2] / "test-artifacts" / "console"
QUESTION = OpenPermission(
    "p-1",
    "git push --force origin main",
    (
        PermissionOption("allow", "Allow once", "allow_once"),
        PermissionOption("reject", "Reject", "reject_once"),
    ),
    "2026-01-01T01:00:00.000Z",
)


class ConsoleWorld:
    """`address` is where the console is. `page` logs in as an admin."""

    def __init__(self, world: GatewayWorld, address: str, browser: Browser) -> None:
        self.world = world
        self.address = address
        self.browser = browser
        self.said: list[str] = []
        """What browsers complained about: errors of scripts, and what the content policy refused."""
        self._contexts: list[BrowserContext] = []

    async def context(self, *, phone: bool = False, dark: bool = False, script: bool = True) -> BrowserContext:
        size = PHONE if phone else DESK
        context = await self.browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            color_scheme="dark" if dark else "light",
            has_touch=phone,
            java_script_enabled=script,
            device_scale_factor=2 if phone else 1,
        )
        context.set_default_timeout(15_000)
        self._contexts.append(context)
        return context

    async def page(self, *, phone: bool = False, dark: bool = False, script: bool = True) -> Page:
        page = await (await self.context(phone=phone, dark=dark, script=script)).new_page()
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", lambda line: self.said.append(line.text) if line.type == "error" else None)
        await page.goto(f"{self.address}/")
        await page.get_by_label("API key").fill(self.world.key.reveal())
        await page.get_by_role("button", name="Log in").click()
        await page.get_by_role("heading", name="Agents").wait_for()
        return page

    async def begin(self, agent: str = "dev", prompt: str = "") -> RunView:
        before = len(self.world.world.runs_of(agent))
        await self.world.scheduler.intake.take(manual(agent, prompt=prompt))
        await self.world.world.until_runs(before + 1, agent)
        await until(lambda: bool(self.world.gateway.views.latest.get(agent)))
        return self.world.world.runs_of(agent)[-1]

    async def fail(self, run: RunView) -> None:
        keeper, closed = self.world.world.keeper, len(self.world.world.closed)
        keeper.show(msgspec.structs.replace(run, phases_s=PHASES))
        error = RunError("model", "the provider refused the request: 529 overloaded", "Wait, or name a fallback model.")
        keeper.end(run.run_id, Result.ERROR, error=error, usage=Usage(41_200, 3_100, 12_000, 0, 9, 4), cost_usd=0.214)
        await self.world.world.until_closed(closed + 1)

    async def refusal_told(self) -> None:
        """Browsers complain of each answer that is an error, some moments later: here that is as it should be."""
        await until(lambda: bool(self.said))
        self.said.clear()

    def shot(self, name: str) -> Path:
        SHOTS.mkdir(parents=True, exist_ok=True)
        return SHOTS / f"{name}.png"

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()


PHASES = {
    Phase.QUEUE: 0.4,
    Phase.IMAGE: 0.1,
    Phase.CREDENTIALS: 0.2,
    Phase.CONTAINER: 1.3,
    Phase.PRE_HOOKS: 4.1,
    Phase.CONTEXT: 0.6,
    Phase.SESSION: 71.0,
    Phase.POST_HOOKS: 2.2,
}


@contextlib.asynccontextmanager
async def console_world(folder: Path, *more: str) -> AsyncIterator[ConsoleWorld]:
    """With the agents `dev` and `planner`, and `more`; `dev` may fail for good at once."""
    clock = ManualClock()
    made = hooked_world(folder, clock)
    made.agent("planner", 'schedule = "0 9 * * *"')
    for name in more:
        made.agent(name, 'schedule = "0 9 * * 1"\ncalls = ["planner"]')
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        async with (
            _passing_time(clock),
            gateway_world(made, port=port, console=True) as world,
            serving(world.app, [listener]),
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            console = ConsoleWorld(world, f"http://127.0.0.1:{port}", browser)
            try:
                yield console
            finally:
                world.gateway.streams.close()
                world.gateway.changes.close()
                # A browser that does not close is ended with playwright's driver.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(30):
                        await console.close()
                        await browser.close()


@contextlib.asynccontextmanager
async def _passing_time(clock: ManualClock) -> AsyncIterator[None]:
    """Until everything else has ended: what still sleeps then must wake."""
    passing = asyncio.create_task(_pass_time(clock))
    try:
        yield
    finally:
        passing.cancel()
        await asyncio.gather(passing, return_exceptions=True)


async def _pass_time(clock: ManualClock) -> None:
    while True:
        await asyncio.sleep(0.05)
        clock.advance(0.05)
