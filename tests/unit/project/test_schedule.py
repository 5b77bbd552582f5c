from __future__ import annotations

import pytest

from freehold.project.schedule import can_fire, expression_problem, timezone_problem

FIRING = [
    "*/5 * * * *", "0 9 * * MON-FRI", "0 0 29 2 *", "30 0 9 * * 1", "0 0 L * *", "0 0 * * 5L", "0 0 * * 1#2",
    "@daily", "@Hourly", "0 0 ? * *", " 0 0 * * * ", "0 0 31 2 1",
]  # fmt: skip
NEVER = ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 0 31 2 *"]
UNREADABLE = {
    "": "a schedule has 5 fields (minute hour day month weekday), or 6 with seconds first; this has 0",
    "* * * *": "a schedule has 5 fields (minute hour day month weekday), or 6 with seconds first; this has 4",
    "* * * * * * *": "a schedule has 5 fields (minute hour day month weekday), or 6 with seconds first; this has 7",
    "60 * * * *": "bad minute: 0 to 59, or *",
    "0 24 * * *": "bad hour: 0 to 23, or *",
    "0 0 32 1 *": "bad day-of-month: 1 to 31, L for the last, or *",
    "0 0 31 13 *": "bad month: 1 to 12, JAN to DEC, or *",
    "0 0 * 0 *": "bad month: 1 to 12, JAN to DEC, or *",
    "0 0 * * 8": "bad day-of-week: 0 to 7 (0 and 7 are Sunday), SUN to SAT, or *",
    "60 0 0 * * *": "bad second: 0 to 59, or *",
    "@often": "a schedule has 5 fields (minute hour day month weekday), or 6 with seconds first; this has 1",
}


@pytest.mark.parametrize("expression", FIRING)
def test_what_fires(expression: str) -> None:
    assert expression_problem(expression) == ""
    assert can_fire(expression)


@pytest.mark.parametrize("expression", NEVER)
def test_what_can_be_read_and_never_fires(expression: str) -> None:
    assert expression_problem(expression) == ""
    assert not can_fire(expression)


@pytest.mark.parametrize(("expression", "problem"), UNREADABLE.items())
def test_what_cannot_be_read(expression: str, problem: str) -> None:
    assert expression_problem(expression) == problem


@pytest.mark.parametrize(("name", "good"), [("", True), ("UTC", True), ("Europe/Berlin", True), ("Mars", False)])
def test_time_zones(name: str, good: bool) -> None:
    assert (timezone_problem(name) == "") is good
