"""When a schedule is due, and what was missed. Pure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from freehold.project.schedule import plain_expression

_WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=366))
"""How far back the latest due moment is looked for, one after the other: few moments are met whether a schedule is due
every second or once a year."""
_LOCALTIME = Path("/etc/localtime")


@dataclass(frozen=True)
class Due:
    """`missed` says that other moments came and went before `at` while nobody looked: it makes up for all of them."""

    at: datetime
    missed: bool = False


def zone(name: str) -> tzinfo:
    """The time zone of a schedule; when it names none the machine's own, with its summer time."""
    return ZoneInfo(name) if name else machine_zone()


def machine_zone() -> tzinfo:
    """What TZ or /etc/localtime says; UTC where neither does."""
    try:
        if named := os.environ.get("TZ", "").lstrip(":"):
            return ZoneInfo(named)
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return UTC


def next_moment(expression: str, timezone: tzinfo, after: datetime) -> datetime | None:
    """The first due moment after `after`, in UTC; None when there is none."""
    try:
        return next(CronSim(plain_expression(expression), after.astimezone(timezone))).astimezone(UTC)
    except (CronSimError, StopIteration):
        return None


def due(expression: str, timezone: tzinfo, considered_until: datetime, now: datetime) -> Due | None:
    """The latest moment after `considered_until` that has come by `now`; None when there is none.

    A clock that was set back makes nothing due again: `considered_until` lies ahead of it then. What was missed more
    than a year ago is not looked for.
    """
    for window in _WINDOWS:
        begin = max(considered_until, now - window)
        if found := _latest(expression, timezone, begin, now):
            first = next_moment(expression, timezone, considered_until)
            return Due(found, missed=first is not None and first < found)
        if begin == considered_until:
            return None
    return None


def _latest(expression: str, timezone: tzinfo, after: datetime, until: datetime) -> datetime | None:
    latest = None
    while (moment := next_moment(expression, timezone, after)) is not None and moment <= until:
        latest = after = moment
    return latest
