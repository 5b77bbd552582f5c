"""Waiting for a server that is being made: what for, and until when."""

from __future__ import annotations

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration
from freehold.deploy.provision.progress import Progress

READY_WITHIN_S = 600.0
"""A first boot installs Docker from the distribution's archive: one to three minutes, on the smallest plans five."""
SAY_EVERY_S = 15.0


class Deadline:
    """One for a whole wait. What is waited for is said when it changes, and again every quarter of a minute."""

    def __init__(self, clock: Clock, progress: Progress, within_s: float = READY_WITHIN_S) -> None:
        self._clock = clock
        self._progress = progress
        self._within_s = within_s
        self._began = clock.monotonic()
        self._said, self._said_at = "", self._began

    def require(self, waits_for: str, detail: str = "") -> None:
        """Say that this is waited for; `detail` is said along, however often it changes. Raises TIMEOUT when the time
        is over."""
        told = f"{waits_for} ({detail})" if detail else waits_for
        now = self._clock.monotonic()
        if now - self._began >= self._within_s:
            raise FreeholdError(
                Code.TIMEOUT,
                f"not ready after {duration(self._within_s)}: {told}",
                "It may only be slow: --timeout SECONDS waits longer.",
            )
        if waits_for != self._said or now - self._said_at >= SAY_EVERY_S:
            self._said, self._said_at = waits_for, now
            left = duration(self._within_s - (now - self._began))
            self._progress.says(f"{told}; waiting, at most {left} more")
