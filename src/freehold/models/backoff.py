"""Whether and how long to wait before asking rate-limited models again (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT_S = 120.0
"""All waits of one request together. Node's fetch gives up on an answer that does not begin within 300 s."""
_FIRST_S = 1.0
_LONGEST_STEP_S = 32.0

BUSY_STATUSES = frozenset({429, 503, 529})
"""What providers answer when they have too much to do: RFC 6585, RFC 9110, and Anthropic's `overloaded_error`."""


def backoff(attempt: int, retry_after_s: float | None, waited_s: float) -> float | None:
    """Seconds to wait before pass number `attempt` (the first repetition is 1), or None: give up.

    Doubles from one second, and is never shorter than what the provider asked for; a provider that asks for more than
    what is left of `LONGEST_WAIT_S` is not waited for at all.
    """
    step = min(_FIRST_S * 2 ** (attempt - 1), _LONGEST_STEP_S)
    wait = max(step, retry_after_s or 0.0)
    return wait if waited_s + wait <= LONGEST_WAIT_S else None


def soonest(retry_afters: Iterable[float | None]) -> float | None:
    """Of several models: the wait after which the first may be asked again; None when one of them did not say."""
    waits = list(retry_afters)
    if not waits or None in waits:
        return None
    return min(wait for wait in waits if wait is not None)


def retry_after(value: str | None, milliseconds: str | None, now: datetime) -> float | None:
    """Seconds of `Retry-After` (seconds or a date, RFC 9110 §10.2.3) and `Retry-After-Ms`; None when not to be read."""
    for text, scale in ((milliseconds, 1000.0), (value, 1.0)):
        try:
            seconds = float(text or "") / scale
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        moment = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):  # numbers that no date has room for
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
