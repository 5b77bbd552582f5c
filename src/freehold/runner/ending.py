"""Being asked to end: by the keeper's `Cancel`, or by a signal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from freehold.base.errors import Code, FreeholdError
from freehold.wire.exits import ExitCode

Result = TypeVar("Result")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class EndedError(Exception):
    """The run was asked to end while something was going on."""


class Ending:
    """Whether the run was asked to end. `signalled` is the urgent way: the container will be killed in seconds."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.reason = ""
        self.signalled = False

    def watch_signals(self) -> None:
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._signal, number)

    def ask(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._asked.set()

    async def asked(self) -> None:
        await self._asked.wait()

    @property
    def is_asked(self) -> bool:
        return self._asked.is_set()

    async def unless_asked(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`; cancelled, with `EndedError`, when the run is to end first."""
        working = asyncio.ensure_future(work)
        asked = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise EndedError
        finally:
            asked.cancel()
            if not working.done():
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working

    def exit_code(self) -> int:
        return ExitCode.TERMINATED if self.signalled else ExitCode.ABORTED

    def error(self) -> FreeholdError:
        return FreeholdError(
            Code.INTERRUPTED, f"the run was ended: {self.reason}", "Start it again: freehold run AGENT"
        )

    def _signal(self, number: signal.Signals) -> None:
        self.signalled = True
        self.ask(f"it was sent {number.name}")
