"""Pieces that go out by themselves: what has waited long enough is handed on without anybody asking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from freehold.base.redaction import Redaction
from freehold.runner.pieces import LONGEST_WAIT_S, Pieces


class Trickle:
    """`Pieces` with a timer of the running loop. `finish` hands on the rest and stops the timer."""

    def __init__(self, hand_on: Callable[[str], None], redaction: Redaction) -> None:
        self._pieces = Pieces(hand_on, redaction)
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str) -> None:
        self._pieces.add(text, time.monotonic())
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_WAIT_S, self._due)

    def finish(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._pieces.flush()

    def _due(self) -> None:
        self._timer = None
        self._pieces.flush_if_due(time.monotonic())
        if self._pieces.waiting:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_WAIT_S, self._due)
