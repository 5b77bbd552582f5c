"""Lists that come in pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from freehold.providers.api_call import Call
from freehold.providers.api_error import Refusal
from freehold.providers.http_api import HttpApi

Item = TypeVar("Item")

MOST_PAGES = 500
"""25,000 things of 50 a page: more is an API that goes round in circles."""


async def every(
    http: HttpApi, call: Call, page: Callable[[str], Awaitable[tuple[list[Item], str]]], first: str = ""
) -> list[Item]:
    """The items of all pages. `page` gets a page's name, and returns items and the next page's name, or nothing."""
    items: list[Item] = []
    name, seen = first, set[str]()
    while len(seen) < MOST_PAGES:
        found, following = await page(name)
        items += found
        seen.add(name)
        if not following:
            return items
        if following in seen:
            raise http.failure(call, Refusal.UNREADABLE, "its pages lead back to each other")
        name = following
    raise http.failure(call, Refusal.UNREADABLE, f"its list has more than {MOST_PAGES} pages")
