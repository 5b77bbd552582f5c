"""The machines of a strict provider, standing on this one as sandboxes: what is rented there can be logged in to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from freehold.cli.sandboxes import workshop
from freehold.providers.sandbox.order import Order, Sandbox, State
from freehold.providers.sandbox.recipe import Form, Suite
from tests.support.server_room import Sight

GONE_WITHIN_S = 120.0


class SandboxRoom:
    """`ServerRoom`. Machines are Debian as providers hand it out (`PLAIN`), and cloud-init carries their document out;
    `form` READY has the packages of a first boot already, and needs no internet for it.

    The first one waits for its image; the fixture `sandbox` makes that of Debian 12, ready. `close` removes all.
    """

    def __init__(self, form: Form = Form.PLAIN, suite: Suite = Suite.BOOKWORM) -> None:
        self._form, self._suite = form, suite
        self._names: set[str] = set()
        self._work: dict[str, threading.Thread] = {}
        self._failures: dict[str, BaseException] = {}

    def set_up(self, name: str, user_data: str, public_keys: tuple[str, ...]) -> None:
        self._names.add(name)
        order = Order(name, public_keys, self._suite, self._form, user_data=user_data)
        self._begin(name, _make(order))

    def look(self, name: str) -> Sight:
        """Raises what went wrong when it was set up."""
        if failure := self._failures.get(name):
            raise failure
        found = asyncio.run(_find(name))
        if found is None or found.state is not State.RUNNING:
            return Sight(False)
        return Sight(True, found.address)

    def clear(self, name: str) -> None:
        self._begin(name, _remove(name))

    def is_cleared(self, name: str) -> bool:
        return asyncio.run(_find(name)) is None

    def close(self) -> None:
        for name in self._names:
            self._wait(name)
            asyncio.run(_remove(name))

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        before = self._work.get(name)

        def do() -> None:
            if before:
                before.join(GONE_WITHIN_S)
            try:
                asyncio.run(work)
            except BaseException as error:  # it belongs to whoever looks
                self._failures[name] = error

        self._work[name] = threading.Thread(target=do)
        self._work[name].start()

    def _wait(self, name: str) -> None:
        if thread := self._work.get(name):
            thread.join(GONE_WITHIN_S)


async def _make(order: Order) -> None:
    async with workshop() as shop:
        await shop.sandboxes.make(order, lambda _: None)


async def _find(name: str) -> Sandbox | None:
    async with workshop() as shop:
        return await shop.sandboxes.find(name)


async def _remove(name: str) -> None:
    async with workshop() as shop:
        await shop.sandboxes.remove(name)
