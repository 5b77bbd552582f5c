"""How long to wait, whom to ask, and when to give up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.models.backoff import LONGEST_WAIT_S, backoff, retry_after, soonest
from freehold.models.circuit import Circuit
from freehold.models.policy import PolicyModel

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempt", "asked", "waited", "expected"),
    [
        (1, None, 0, 1),
        (2, None, 1, 2),
        (3, None, 3, 4),
        (9, None, 0, 32),
        (1, 20.0, 0, 20),
        (4, 2.0, 0, 8),
        (1, 120.0, 0, 120),
        (1, 121.0, 0, None),
        (1, 3600.0, 0, None),
        (5, None, 110, None),
        (1, 0.0, 120, None),
    ],
)
def test_backoff(attempt: int, asked: float | None, waited: float, expected: float | None) -> None:
    assert backoff(attempt, asked, waited) == expected


@given(st.lists(st.none() | st.floats(0, 1e6)))
def test_waits_come_to_an_end(asked: list[float | None]) -> None:
    waited = 0.0
    for attempt in range(1, 200):
        wait = backoff(attempt, asked[attempt % len(asked)] if asked else None, waited)
        if wait is None:
            break
        waited += wait
    else:
        pytest.fail("it never gave up")
    assert waited <= LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("value", "milliseconds", "expected"),
    [
        ("3", None, 3.0),
        ("0.5", None, 0.5),
        (None, "250", 0.25),
        ("3", "250", 0.25),
        ("Sat, 21 Nov 2026 12:00:30 GMT", None, 30.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", None, 0.0),
        (None, None, None),
        ("", None, None),
        ("soon", None, None),
        ("-1", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None, None),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999", None, None),
    ],
)
def test_retry_after(value: str | None, milliseconds: str | None, expected: float | None) -> None:
    assert retry_after(value, milliseconds, NOW) == expected


@pytest.mark.parametrize(
    ("waits", "expected"), [([], None), ([5.0, 2.0], 2.0), ([None, 2.0], None), ([7.0], 7.0)]
)  # fmt: skip
def test_the_soonest_of_several(waits: list[float | None], expected: float | None) -> None:
    assert soonest(waits) == expected


def test_a_limited_model_is_skipped_for_a_minute() -> None:
    first, second = (PolicyModel(name, "openai", name, "https://api.openai.com/v1", frozenset()) for name in "ab")
    circuit = Circuit()
    circuit.trip(first, 100.0)
    assert circuit.order((first, second), 159.9) == (second,)
    assert circuit.order((first, second), 160.0) == (first, second)
    circuit.trip(first, 200.0)
    circuit.trip(second, 200.0)
    assert circuit.order((first, second), 201.0) == (first, second)
    circuit.reset(second)
    assert circuit.order((first, second), 201.0) == (second,)
