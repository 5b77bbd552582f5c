"""Schedules: cron expressions of five fields, or six with seconds first."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_ANY_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_MONTH_FROM_THE_END = -2
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_RANGES = {
    "second": "0 to 59, or *",
    "minute": "0 to 59, or *",
    "hour": "0 to 23, or *",
    "day-of-month": "1 to 31, L for the last, or *",
    "month": "1 to 12, JAN to DEC, or *",
    "day-of-week": "0 to 7 (0 and 7 are Sunday), SUN to SAT, or *",
}


def plain_expression(expression: str) -> str:
    """`expression` in fields only: nicknames such as `@daily` are spelt out, `?` is `*` (both as croner reads them)."""
    text = expression.strip()
    return _NICKNAMES.get(text.lower(), text.replace("?", "*"))


def expression_problem(expression: str) -> str:
    """Why cron cannot read `expression`; the empty string when it can (also when it can never fire)."""
    fields = plain_expression(expression).split()
    if len(fields) not in (5, 6):
        return (
            f"a schedule has 5 fields (minute hour day month weekday), or 6 with seconds first; this has {len(fields)}"
        )
    try:
        CronSim(" ".join(fields), _ANY_DATE)
    except CronSimError as error:
        if _reads_in_any_month(fields):
            return ""
        return _with_range(str(error)[:1].lower() + str(error)[1:])
    return ""


def can_fire(expression: str) -> bool:
    """Whether a readable expression names a moment that exists: `0 0 31 2 *` does not."""
    try:
        next(CronSim(plain_expression(expression), _ANY_DATE))
    except (CronSimError, StopIteration):
        return False
    return True


def timezone_problem(name: str) -> str:
    """Why `name` is not a time zone of the IANA database; the empty string when it is, or is empty (server's own)."""
    if not name:
        return ""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return 'unknown time zone; write for example "UTC" or "Europe/Berlin"'
    return ""


def _with_range(problem: str) -> str:
    """`bad minute` with what one may be."""
    return next((f"{problem}: {values}" for field, values in _RANGES.items() if problem == f"bad {field}"), problem)


def _reads_in_any_month(fields: list[str]) -> bool:
    """cronsim refuses days that the named months do not have as if they were no days at all; tell the two apart."""
    anywhere = [*fields]
    anywhere[_MONTH_FROM_THE_END] = "*"
    try:
        CronSim(" ".join(anywhere), _ANY_DATE)
        CronSim(" ".join(["0", "0", "*", fields[_MONTH_FROM_THE_END], "*"]), _ANY_DATE)
    except CronSimError:
        return False
    return True
