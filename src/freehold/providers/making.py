"""Making a thing once, although the answer may be lost and the process may die."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from freehold.base.clock import Clock
from freehold.providers.api_error import ApiError, Refusal

Thing = TypeVar("Thing")

LOOK_AFTER_S = (1.0, 3.0, 6.0)
"""What was made although the answer was lost shows in the lists of both providers within seconds."""


async def make_once(
    find: Callable[[], Awaitable[Thing | None]], make: Callable[[], Awaitable[Thing]], clock: Clock
) -> Thing:
    """What `find` finds, else what `make` makes.

    When it is not known whether `make` made it, it is looked for, several times, before it is made again; once. Raises
    the `ApiError` of `make` in the end: what may have come into being after all is found by the next call.
    """
    if (there := await find()) is not None:
        return there
    try:
        return await make()
    except ApiError as error:
        if (there := await _appeared(find, error, clock)) is not None:
            return there
        if not error.doubtful:
            raise
    try:
        return await make()
    except ApiError as error:
        if (there := await _appeared(find, error, clock)) is not None:
            return there
        raise


async def _appeared(find: Callable[[], Awaitable[Thing | None]], error: ApiError, clock: Clock) -> Thing | None:
    if not error.doubtful and error.refusal is not Refusal.TAKEN:
        return None
    for pause_s in LOOK_AFTER_S:
        await clock.sleep(pause_s)
        if (there := await find()) is not None:
            return there
    return None
