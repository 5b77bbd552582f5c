"""Several questions at once: all are answered, or none goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from freehold.base.errors import FreeholdError


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises the first `FreeholdError` itself; by then the other tasks have ended."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        told, others = errors.split(FreeholdError)
        if told is None or others is not None:
            raise
        raise _first(told) from None


def _first(found: BaseExceptionGroup[FreeholdError]) -> FreeholdError:
    first = found.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
