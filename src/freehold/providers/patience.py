"""When a call is made again, and after how long (pure)."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from freehold.providers.api_error import ApiError, Refusal

_WHOLE = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class Patience:
    """`attempts` in all. Pauses double from `first_pause_s`; one that the provider asks for is kept up to `longest_s`.

    The whole of an answer has `answer_within_s`. Hetzner gives 3600 requests an hour, one more each second; Vultr 30 a
    second; Cloudflare 1200 in five minutes: a minute or two gets through.
    """

    attempts: int = 5
    first_pause_s: float = 1.0
    longest_s: float = 120.0
    answer_within_s: float = 30.0

    def pause_s(self, error: ApiError, attempt: int, *, repeatable: bool) -> float | None:
        """Seconds until the next attempt; `None` when there is to be none. `attempt` counts from 1."""
        if attempt >= self.attempts or not worth_repeating(error, repeatable=repeatable):
            return None
        if error.retry_after_s is None:
            return min(self.first_pause_s * 2.0 ** (attempt - 1), self.longest_s)
        return error.retry_after_s if error.retry_after_s <= self.longest_s else None


def worth_repeating(error: ApiError, *, repeatable: bool) -> bool:
    """What was not carried out for certain always is; what may have been, only where twice is the same as once."""
    if error.refusal is Refusal.TOO_OFTEN:
        return True
    if error.refusal in (Refusal.UNREACHABLE, Refusal.FAULT, Refusal.UNREADABLE):
        return repeatable or not error.doubtful
    return False


def asked_to_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """`Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), else Hetzner's `RateLimit-Reset`."""
    if after := headers.get("retry-after", "").strip():
        return float(after) if _WHOLE.fullmatch(after) else _until_date(after, now)
    reset = headers.get("ratelimit-reset", "").strip()
    return max(0.0, float(reset) - now.timestamp()) if _WHOLE.fullmatch(reset) else None


def _until_date(text: str, now: datetime) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - now.timestamp())
