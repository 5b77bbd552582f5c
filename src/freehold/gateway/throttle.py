"""How often a wrong key may be tried: by one address, and by everybody together."""

from __future__ import annotations

import math
from collections import OrderedDict

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.pace import Pace

EACH_BURST, EACH_PER_SECOND = 5, 1 / 12
"""Five at once, then five a minute: a person mistypes, a program guesses."""
ALL_BURST, ALL_PER_SECOND = 50, 1.0
MOST_ADDRESSES = 10_000
"""That are remembered; the one that was quiet longest is forgotten first, and `all` still counts it."""


class ThrottledError(FreeholdError):
    """Too many wrong keys; `retry_after_s` says when the next one may be tried."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(Code.RATE_LIMITED, "too many wrong keys", f"Try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


class Throttle:
    """A wrong key takes a place in both buckets. A right one is never kept waiting: a key cannot be guessed, and
    whoever sends wrong ones without end must not keep out those who have one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._each: OrderedDict[str, Pace] = OrderedDict()
        self._all = Pace(ALL_PER_SECOND, ALL_BURST)

    def admit(self, address: str) -> None:
        """One more wrong key. Raises ThrottledError when there were too many."""
        now = self._clock.monotonic()
        each = self._each.setdefault(address, Pace(EACH_PER_SECOND, EACH_BURST))
        self._each.move_to_end(address)
        if len(self._each) > MOST_ADDRESSES:
            self._each.popitem(last=False)
        if not each.allows(now):
            raise ThrottledError(math.ceil(1 / EACH_PER_SECOND))
        if not self._all.allows(now):
            raise ThrottledError(math.ceil(1 / ALL_PER_SECOND))

    def succeeded(self, address: str) -> None:
        """The key was right: what was mistyped before is forgotten."""
        self._each.pop(address, None)
