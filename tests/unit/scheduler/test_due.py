"""Schedules: what is due, what was missed, and what clocks and summer time do to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from freehold.scheduler.due import Due, due, machine_zone, next_moment

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BERLIN, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


CASES = [
    ("the moment has come", "*/5 * * * *", NOON - timedelta(seconds=20), NOON, Due(NOON)),
    ("it has not", "*/5 * * * *", NOON, NOON + timedelta(minutes=4), None),
    ("it was considered already", "*/5 * * * *", NOON, NOON, None),
    ("a weekend was missed", "0 * * * *", NOON - timedelta(days=2), NOON, Due(NOON, missed=True)),
    ("a year of seconds was missed", "* * * * * *", NOON - timedelta(days=365), NOON, Due(NOON, missed=True)),
    ("a day a year", "0 0 1 1 *", at("2025-12-31T00:00Z"), NOON, Due(at("2026-01-01T00:00Z"))),
    ("longer ago than a year", "0 0 1 1 *", at("2020-06-01T00:00Z"), at("2025-12-31T00:00Z"),
     Due(at("2025-01-01T00:00Z"), missed=True)),
    ("six fields", "30 0 12 * * *", NOON, NOON + timedelta(seconds=31), Due(NOON + timedelta(seconds=30))),
    ("a nickname", "@daily", NOON - timedelta(days=1), NOON, Due(at("2026-11-21T00:00Z"))),
    ("never", "0 0 31 2 *", NOON - timedelta(days=365), NOON, None),
    ("the clock was set back", "*/5 * * * *", NOON + timedelta(hours=1), NOON, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "until", "now", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_what_is_due(expression: str, until: datetime, now: datetime, expected: Due | None) -> None:
    assert due(expression, UTC, until, now) == expected


def test_a_zone_moves_the_moment() -> None:
    assert next_moment("0 9 * * *", BERLIN, at("2026-11-21T00:00Z")) == at("2026-11-21T08:00Z")
    assert next_moment("0 9 * * *", BERLIN, at("2026-07-21T00:00Z")) == at("2026-07-21T07:00Z")


def moments(expression: str, zone: ZoneInfo, begin: str, end: str) -> list[str]:
    """Each due moment as the local clock shows it."""
    found, moment = [], next_moment(expression, zone, at(begin))
    while moment is not None and moment < at(end):
        found.append(moment.astimezone(zone).isoformat())
        moment = next_moment(expression, zone, moment)
    return found


def test_an_hour_that_the_spring_leaves_out_is_made_up_for_once() -> None:
    assert moments("30 2 * * *", BERLIN, "2026-03-28T12:00Z", "2026-03-30T12:00Z") == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_an_hour_that_the_autumn_repeats_is_due_once() -> None:
    assert moments("30 2 * * *", BERLIN, "2026-10-24T12:00Z", "2026-10-26T12:00Z") == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE])
def test_every_quarter_of_an_hour_of_a_day_with_a_change(zone: ZoneInfo) -> None:
    """What is due by the minute goes on through a change: no hole of an hour, nothing twice at once."""
    for begin in (
        datetime(2026, 3, 7, tzinfo=UTC),
        datetime(2026, 10, 3, tzinfo=UTC),
        datetime(2026, 10, 24, tzinfo=UTC),
    ):
        moment, steps = begin, []
        for _ in range(96 * 30):
            following = next_moment("*/15 * * * *", zone, moment)
            assert following is not None
            steps.append(following - moment)
            moment = following
        assert set(steps) == {timedelta(minutes=15)}


def test_the_machines_own_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert datetime(2026, 7, 1, tzinfo=machine_zone()).utcoffset() == timedelta(hours=2)
    monkeypatch.setenv("TZ", "Nowhere/Land")
    assert machine_zone() is UTC
