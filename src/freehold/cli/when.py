"""Moments as a person reads them: in the time of this machine."""

from __future__ import annotations

import re
from datetime import datetime

_LOCAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def local_time(moment: str) -> str:
    """`2026-11-21 09:00:00` of an RFC 3339 moment."""
    return _local(moment).strftime("%Y-%m-%d %H:%M:%S")


def to_the_minute(told: str) -> str:
    """`11-21 09:00` of what `local_time` said; anything else as it is."""
    return told[5:16] if _LOCAL.fullmatch(told) else told


def short_time(moment: str, now: datetime) -> str:
    """`09:00:00`, with the date when it is not of today."""
    local = _local(moment)
    return local.strftime("%H:%M:%S" if local.date() == now.astimezone().date() else "%b %d %H:%M")


def _local(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone()
