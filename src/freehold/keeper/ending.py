"""When a keeper ends: now, because somebody said so, or as soon as it has nothing to do."""

from __future__ import annotations

import asyncio
import signal


class Ending:
    """`now` is set by signals and by `keeper/stop`; `when_idle` spares the wait of an idle keeper."""

    def __init__(self) -> None:
        self.now = asyncio.Event()
        self.when_idle = False

    def watch_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.now.set)
