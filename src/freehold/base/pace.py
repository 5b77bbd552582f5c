"""How often something may happen: a bucket of tokens that fills at a steady rate (pure)."""

from __future__ import annotations


class Pace:
    """`per_second` on average, `burst` at once. Times are a monotonic clock's seconds."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._at: float | None = None

    def take(self, now: float) -> float:
        """Take one; how many seconds whoever took it must wait before using it (0 while within the burst)."""
        self._refill(now)
        self._tokens -= 1
        return max(0.0, -self._tokens / self._per_second)

    def allows(self, now: float, number: float = 1) -> bool:
        """Take so many if they are there; a refusal takes nothing."""
        self._refill(now)
        if self._tokens < number:
            return False
        self._tokens -= number
        return True

    def _refill(self, now: float) -> None:
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
