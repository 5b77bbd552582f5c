"""Asking an engine that may be restarted meanwhile: again, until it is back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError

SILENCE_S = 60.0
"""How long it is borne that Docker does not answer: a restart of its service takes less."""
_RETRY_S = 1.0

Answer = TypeVar("Answer")


class Restarts:
    """`was_away`: the engine did not answer at least one of the questions at first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.was_away = False

    async def through(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer, asked for again while the engine is away. Raises UNREACHABLE once it stays away for `SILENCE_S`,
        and what else `ask` raises.
        """
        away_since: float | None = None
        while True:
            asked = self._clock.monotonic()
            try:
                return await ask()
            except FreeholdError as error:
                now = self._clock.monotonic()
                if away_since is None or now - asked > _RETRY_S:  # it listened for a while, so it had come back
                    away_since = now
                if error.code is not Code.UNREACHABLE or now - away_since >= SILENCE_S:
                    raise
            self.was_away = True
            await self._clock.sleep(_RETRY_S)
