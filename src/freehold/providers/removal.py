"""Removing a thing, and seeing that it is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from freehold.providers.api_call import Call
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.http_api import HttpApi

LOOK_EVERY_S = 3.0


async def remove_when_free(http: HttpApi, call: Call, within_s: float) -> None:
    """Delete, again and again while something else still uses it. Nothing happens when it was gone already."""
    deadline = http.clock.monotonic() + within_s
    while True:
        try:
            await http.tell(call)
        except ApiError as error:
            if error.refusal is Refusal.NOT_FOUND:
                return
            if error.refusal is not Refusal.IN_USE or http.clock.monotonic() >= deadline:
                raise
        else:
            return
        await http.clock.sleep(LOOK_EVERY_S)


async def wait_until_gone(http: HttpApi, call: Call, is_there: Callable[[], Awaitable[bool]], within_s: float) -> None:
    """Raises TIMEOUT when it is still there after `within_s`."""
    deadline = http.clock.monotonic() + within_s
    while await is_there():
        if http.clock.monotonic() >= deadline:
            raise http.failure(call, Refusal.STILL_THERE, f"it is still there after {within_s:.0f} s")
        await http.clock.sleep(LOOK_EVERY_S)
