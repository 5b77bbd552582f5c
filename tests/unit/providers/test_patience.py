from __future__ import annotations

from datetime import UTC, datetime

import pytest

from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.patience import Patience, asked_to_wait_s

NOW = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)


def error(refusal: Refusal, *, doubtful: bool = False, after: float | None = None) -> ApiError:
    return ApiError(refusal, "it failed", doubtful=doubtful, retry_after_s=after)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "17"}, 17),
        ({"retry-after": " 0 "}, 0),
        ({"retry-after": "Sat, 21 Nov 2026 09:00:30 GMT"}, 30),
        ({"retry-after": "Sat, 21 Nov 2026 08:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "\u0663"}, None),
        ({"ratelimit-reset": str(int(NOW.timestamp()) + 12)}, 12),
        ({"ratelimit-reset": "x"}, None),
        ({"retry-after": "3", "ratelimit-reset": str(int(NOW.timestamp()) + 12)}, 3),
    ],
)
def test_what_the_provider_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_to_wait_s(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("failure", "attempt", "repeatable", "pause_s"),
    [
        (error(Refusal.FAULT, doubtful=True), 1, True, 1),
        (error(Refusal.FAULT, doubtful=True), 3, True, 4),
        (error(Refusal.FAULT, doubtful=True), 5, True, None),
        (error(Refusal.FAULT, doubtful=True), 1, False, None),
        (error(Refusal.UNREACHABLE), 1, False, 1),
        (error(Refusal.UNREACHABLE, doubtful=True), 1, False, None),
        (error(Refusal.UNREADABLE, doubtful=True), 1, True, 1),
        (error(Refusal.TOO_OFTEN, after=17), 1, False, 17),
        (error(Refusal.TOO_OFTEN, after=121), 1, True, None),
        (error(Refusal.BAD_TOKEN), 1, True, None),
        (error(Refusal.NO_QUOTA), 1, True, None),
        (error(Refusal.TAKEN), 1, True, None),
    ],
)
def test_pauses(failure: ApiError, attempt: int, repeatable: bool, pause_s: float | None) -> None:
    assert Patience().pause_s(failure, attempt, repeatable=repeatable) == pause_s
