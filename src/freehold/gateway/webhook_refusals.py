"""Deliveries that were not taken, counted: who set a source up wrongly, or is sent what is not meant for it, sees it.

Nothing of what came is kept: its sender proved nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.project.webhooks import WebhookSource
from freehold.wire.service import RefusedDeliveries

UNKNOWN = ""
"""Stands for every name that is no source: whoever sends must not be able to add rows."""
LONGEST_WHY = 300


class Reason(StrEnum):
    UNKNOWN = "unknown source"
    UNPROVEN = "not proven"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"
    TOO_MANY = "too many"
    UNCHECKED = "not to be checked"


_REASONS = {
    Code.NOT_FOUND: Reason.UNKNOWN,
    Code.DENIED: Reason.UNPROVEN,
    Code.PROTOCOL: Reason.UNREADABLE,
    Code.TOO_LARGE: Reason.TOO_LARGE,
    Code.REQUEST_TIMEOUT: Reason.TOO_SLOW,
    Code.RATE_LIMITED: Reason.TOO_MANY,
    Code.OVERLOADED: Reason.TOO_MANY,
    Code.CREDENTIAL: Reason.UNCHECKED,
}
"""What is refused otherwise has a receipt (a queue is full), or is a fault of ours that is told as one."""


@dataclass
class _Counted:
    count: int = 0
    last_at: str = ""
    why: str = ""


class WebhookRefusals:
    """Since the service began; as many rows as there are sources and reasons."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, Reason], _Counted] = {}

    def note(self, name: str, known: Mapping[str, WebhookSource], error: FreeholdError, now: datetime) -> None:
        """A delivery to `/webhooks/NAME` was refused; `known` are the project's sources."""
        reason = _REASONS.get(error.code)
        if reason is None:
            return
        is_known = name in known or any(source.type == name for source in known.values())
        counted = self._counted.setdefault((name if is_known else UNKNOWN, reason), _Counted())
        counted.count += 1
        counted.last_at, counted.why = rfc3339(now), error.message[:LONGEST_WHY]

    def views(self) -> list[RefusedDeliveries]:
        """The latest first."""
        found = [
            RefusedDeliveries(source, str(reason), counted.count, counted.last_at, counted.why)
            for (source, reason), counted in self._counted.items()
        ]
        return sorted(found, key=lambda one: one.last_at, reverse=True)
