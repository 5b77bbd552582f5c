"""How many deliveries a source may send, and how much: a sender that runs wild is slowed."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.base.pace import Pace
from freehold.base.words import size
from freehold.project.webhooks import WebhookSource

BURST, PER_SECOND = 20_000, 200.0
"""Verified deliveries of one source: a burst of ten thousand is taken whole."""
UNSIGNED_BURST, UNSIGNED_PER_SECOND = 1_000, 10.0
"""Of a source that takes deliveries without a signature, which anybody may send."""
UNSIGNED_BURST_BYTES, UNSIGNED_BYTES_PER_SECOND = 64 * 1024 * 1024, 1024.0 * 1024.0
"""Of the bodies of such a source. What is kept of them is bounded, too (`store/unproven.py`), once a minute: between
two times no more comes to the disk than this lets through."""


class WebhookPaces:
    """`require` is asked before a delivery is written down."""

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}
        self._unsigned: dict[str, tuple[Pace, Pace]] = {}

    def require(self, source: WebhookSource, size_bytes: int, now: float) -> None:
        """Raises RATE_LIMITED when the source sends more than it may; `now` is a monotonic clock's seconds."""
        if not source.takes_unsigned:
            if not self._paces.setdefault(source.name, Pace(PER_SECOND, BURST)).allows(now):
                raise _too_many(source, f"{PER_SECOND:.0f} deliveries a second")
            return
        number, volume = self._unsigned.setdefault(
            source.name,
            (
                Pace(UNSIGNED_PER_SECOND, UNSIGNED_BURST),
                Pace(UNSIGNED_BYTES_PER_SECOND, UNSIGNED_BURST_BYTES),
            ),
        )
        if not number.allows(now):
            raise _too_many(source, f"{UNSIGNED_PER_SECOND:.0f} deliveries a second, as it takes unsigned ones")
        if not volume.allows(now, size_bytes):
            limit = size(int(UNSIGNED_BYTES_PER_SECOND))
            raise _too_many(source, f"{limit} a second, as it takes unsigned deliveries")


def _too_many(source: WebhookSource, what: str) -> FreeholdError:
    return FreeholdError(Code.RATE_LIMITED, f"{source.name} sends more than {what}", "Later.")
