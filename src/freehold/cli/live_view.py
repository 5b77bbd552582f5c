"""`freehold start` on a terminal: the service, and a picture of it that follows what happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live

from freehold.base import log
from freehold.base.errors import Code, FreeholdError
from freehold.cli import terminal
from freehold.cli.context import Context
from freehold.cli.last_words import last_words
from freehold.cli.live_frame import LiveRun, Picture, frame
from freehold.cli.output import note
from freehold.cli.service_log import open_log, service_log
from freehold.client.gateway import Gateway
from freehold.client.gateway_address import LocalAddress
from freehold.gateway.listening import Address
from freehold.gateway.main import serve
from freehold.keeper.history import EVENTS, RUNS
from freehold.project.load import require_project
from freehold.project.state import keeper_directory, state_directory
from freehold.store.state_mark import claim_state
from freehold.wire.runs import RunState
from freehold.wire.service import Page, ProjectStatus

LOOK_EVERY_S = 1.0
LOOK_ANYWAY_S = 15.0
"""Whatever was heard of: a next run may have come nearer, a budget begun anew."""
TOLD_FOR_S = 5.0
_MOST_RUNS = 50


async def start_with_view(context: Context, *, web: bool, expose: bool, port: int | None) -> None:
    """Until it is told to stop. Raises what `serve` raises, once the terminal is as it was."""
    root = context.project_dir
    require_project(root)
    note(f"starting {root} …")
    claim_state(state_directory(root), context.home)
    started: asyncio.Queue[Address] = asyncio.Queue()
    with _log_in_file(service_log(root)) as log_file:
        ready = started.put_nowait
        serving = asyncio.create_task(
            serve(root, context.home, context.environment, port=port, expose=expose, web=web, ready=ready)
        )
        waiting = asyncio.create_task(started.get())
        await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            await LiveView(root, waiting.result()).show_while(serving)
        waiting.cancel()
        await serving
    note(f"stopped; runs go on. The log is {log_file}")


class LiveView:
    """Draws when something is to be seen that was not: once a second at most, and when a key or the window says so."""

    def __init__(self, project: Path, address: Address) -> None:
        self._project = project
        self._gateway = Gateway(LocalAddress(project))
        self._address = address.url
        self._look = asyncio.Event()
        self._changed = True
        self._asked_at = 0.0
        self._ended = False
        self._told = ""
        self._told_until = 0.0
        self._picture: Picture | None = None
        self._drawn: object = None

    async def show_while(self, serving: asyncio.Task[None]) -> None:
        """Show until `serving` is done; the terminal is as it was then."""
        console = Console()
        with terminal.key_by_key(), Live(console=console, screen=True, auto_refresh=False) as live:
            works = [asyncio.create_task(self._draw(live)), asyncio.create_task(self._obey())]
            listening = asyncio.create_task(asyncio.to_thread(self._listen))
            try:
                with terminal.on_resize(self._look.set):
                    await asyncio.wait([serving, *works], return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._ended = True
                for work in (*works, listening):
                    work.cancel()
                await asyncio.gather(*works, listening, return_exceptions=True)
        if not serving.done():  # what draws has failed: the service goes with it, and says why
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            for work in works:
                if work.done() and not work.cancelled() and work.exception():
                    work.result()

    async def _draw(self, live: Live) -> None:
        while True:
            self._look.clear()
            if time.monotonic() > self._told_until:
                self._told = ""
            await self._read()
            if self._picture:
                columns, rows = terminal.size()
                now = datetime.now(UTC)
                seen = (self._picture, self._told, columns, rows, now.replace(microsecond=0) if self._runs() else None)
                if seen != self._drawn:
                    self._drawn = seen
                    live.console.size = os.terminal_size((columns, rows))
                    live.update(frame(self._picture, columns, rows, now), refresh=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._look.wait()

    async def _read(self) -> None:
        """Ask the gateway when something has changed; what runs say meanwhile is in their files."""
        now = time.monotonic()
        try:
            if self._changed or now - self._asked_at > LOOK_ANYWAY_S:
                self._changed, self._asked_at = False, now
                self._picture = await asyncio.to_thread(self._ask)
            elif self._picture and self._picture.runs:
                self._picture = await asyncio.to_thread(self._with_new_words, self._picture)
        except FreeholdError as error:
            if error.code is not Code.UNREACHABLE:  # it is ending, then
                self._tell(error.message)
        if self._picture:
            self._picture = replace(self._picture, told=self._told)

    def _ask(self) -> Picture:
        status = self._gateway.get("/status", ProjectStatus)
        runs = self._gateway.get("/runs", Page, limit=_MOST_RUNS).runs if status.running else []
        active = tuple(LiveRun(view, "") for view in runs if view.state is not RunState.FINISHED)
        return self._with_new_words(Picture(status, active, self._address))

    def _with_new_words(self, picture: Picture) -> Picture:
        folder = keeper_directory(self._project) / RUNS
        runs = tuple(replace(run, words=last_words(folder / run.view.run_id / EVENTS)) for run in picture.runs)
        return replace(picture, runs=runs)

    def _listen(self) -> None:
        """In a thread of its own, until the gateway, which is of this process, has ended."""
        while not self._ended:
            with contextlib.suppress(FreeholdError):
                for _ in self._gateway.stream("/events"):
                    self._changed = True
            time.sleep(LOOK_EVERY_S)

    def _runs(self) -> bool:
        return bool(self._picture and self._picture.runs)

    async def _obey(self) -> None:
        async for typed in terminal.keys():
            for key in typed.decode(errors="replace").lower():
                await self._press(key)
        await asyncio.Event().wait()  # the keyboard is gone; the service is not

    async def _press(self, key: str) -> None:
        if key == "q":
            await self._post("/stop", "stopping; runs go on")
        elif key == "p" and self._picture:
            paused = self._picture.status.paused
            await self._post("/resume" if paused else "/pause", "resumed" if paused else "paused; runs go on")

    async def _post(self, path: str, told: str) -> None:
        try:
            await asyncio.to_thread(self._gateway.post, path, object)
            self._tell(told)
        except FreeholdError as error:
            self._tell(error.message)
        self._changed = True
        self._look.set()

    def _tell(self, words: str) -> None:
        self._told, self._told_until = words, time.monotonic() + TOLD_FOR_S


@contextlib.contextmanager
def _log_in_file(path: Path) -> Iterator[Path]:
    """While a view has the terminal, the log goes into a file beside the other state."""
    with os.fdopen(open_log(path), "a", encoding="utf-8") as file:
        log.set_up(file=file)
        yield path
        log.set_up()
