"""What tokens cost: genai-prices' list (shipped with it, never fetched), a configured price, or nothing known."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from freehold.models.policy import PolicyModel
from freehold.models.tokens import Tokens
from freehold.project.price import TokenPrice

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

_LIST_NAMES = {"xai": "x-ai"}
"""Providers whose name in genai-prices is not ours."""
_NOT_DEARER = frozenset({"auto", "batch", "default", "flex", "on_demand", "standard", "standard_only"})
"""Tiers that cost as much as none, or less. Not `priority` (OpenAI, Google: twice as much) nor `fast` (Anthropic: up to
six times)."""
_MILLION = Decimal(1_000_000)


class Price(Protocol):
    """The known price of one model.

    `context` is what else chooses the price, as the request or the answer says it: `service_tier`, `speed`.
    """

    @property
    def context_window(self) -> int | None:
        """The most tokens a request can hold, where it is known."""
        ...

    def cost(self, tokens: Tokens, when: datetime, context: Mapping[str, str]) -> Decimal:
        """US dollars."""
        ...

    def knows(self, context: Mapping[str, str]) -> bool:
        """Whether nothing in `context` could cost more than `cost` says."""
        ...


@dataclass(frozen=True)
class Free:
    context_window: int | None = None

    def cost(self, tokens: Tokens, when: datetime, context: Mapping[str, str]) -> Decimal:  # noqa: ARG002
        return Decimal(0)

    def knows(self, context: Mapping[str, str]) -> bool:  # noqa: ARG002
        return True


@dataclass(frozen=True)
class Configured:
    price: TokenPrice
    context_window: int | None = None

    def cost(self, tokens: Tokens, when: datetime, context: Mapping[str, str]) -> Decimal:  # noqa: ARG002
        read = self.price.input if self.price.cache_read is None else self.price.cache_read
        write = self.price.input if self.price.cache_write is None else self.price.cache_write
        total = (
            tokens.input * self.price.input + tokens.output * self.price.output
            + tokens.cache_read * read + tokens.cache_write * write
        )  # fmt: skip
        return total / _MILLION

    def knows(self, context: Mapping[str, str]) -> bool:
        costs_nothing = not (self.price.input or self.price.output or self.price.cache_write)
        return costs_nothing or not _perhaps_dearer(context)


@dataclass(frozen=True)
class Listed:
    model: ModelInfo

    @property
    def context_window(self) -> int | None:
        return self.model.context_window

    def cost(self, tokens: Tokens, when: datetime, context: Mapping[str, str]) -> Decimal:
        from genai_prices import Usage

        usage = Usage(
            # The list counts like OpenAI: its input includes what the cache gave and took.
            input_tokens=tokens.input + tokens.cache_read + tokens.cache_write,
            output_tokens=tokens.output,
            cache_read_tokens=tokens.cache_read,
            cache_write_tokens=tokens.cache_write,
            cache_write_1h_tokens=tokens.cache_write_1h,
            web_searches=tokens.web_searches,
        )
        return self.model.get_prices(when, context).calc_price(usage)["total_price"]

    def knows(self, context: Mapping[str, str]) -> bool:
        listed = {pair for variant in self.model.price_variants or () for pair in variant.when.items()}
        return _perhaps_dearer(context) <= listed


def _perhaps_dearer(context: Mapping[str, str]) -> set[tuple[str, str]]:
    return {(name, value) for name, value in context.items() if value not in _NOT_DEARER}


async def look_up_price(model: PolicyModel, when: datetime) -> Price | None:
    """`find_price`, the first time in a thread: reading the list in takes 0.3 s, in which no stream may stand still."""
    if "genai_prices.data_snapshot" in sys.modules:
        return find_price(model, when)
    return await asyncio.to_thread(find_price, model, when)


def find_price(model: PolicyModel, when: datetime) -> Price | None:
    """The price of a model, or None when it is not known.

    A price in the configuration wins; a model at a foreign `base_url` has no other, since who answers there sets it.
    """
    if model.rehearsed:
        return Free()
    if model.price is not None:
        return Configured(model.price)
    if not model.at_home:
        return None
    # Not at the keeper's start, for which rehearsals and idle keepers would pay.
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, found = get_snapshot().find_provider_model(
            model.model, None, _LIST_NAMES.get(model.provider, model.provider), None
        )
    except LookupError:
        return None
    prices = found.get_prices(when)
    return None if prices.input_mtok is None or prices.output_mtok is None else Listed(found)
