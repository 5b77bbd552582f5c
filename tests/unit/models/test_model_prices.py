"""What tokens cost, and when nobody knows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from freehold.base.secret import Secret
from freehold.models.policy import PolicyModel, provider_model, rehearsed_model
from freehold.models.prices import find_price
from freehold.models.tokens import Tokens
from freehold.project.price import TokenPrice
from freehold.project.providers import PROVIDERS

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PRICE = TokenPrice(Decimal(3), Decimal(15), cache_read=Decimal("0.3"))


def model(provider: str, name: str, base_url: str = "", price: TokenPrice | None = None) -> PolicyModel:
    made = provider_model("m", PROVIDERS[provider], name, Secret("k"), base_url=base_url, confirmed=True)
    return PolicyModel(**{**{field: getattr(made, field) for field in made.__dataclass_fields__}, "price": price})


@pytest.mark.parametrize(
    ("priced", "tokens", "context", "expected"),
    [
        # Anthropic's list (docs.anthropic.com, pricing, Claude Sonnet 4.5): 3, 15, 0.30, 3.75 and 6 USD a million.
        (model("anthropic", "claude-sonnet-4-5"), Tokens(1000, 100), {}, "0.0045"),
        (model("anthropic", "claude-sonnet-4-5"), Tokens(0, 0, 1000, 0), {}, "0.0003"),
        (model("anthropic", "claude-sonnet-4-5"), Tokens(0, 0, 0, 1000), {}, "0.00375"),
        (model("anthropic", "claude-sonnet-4-5"), Tokens(0, 0, 0, 1000, 1000), {}, "0.006"),
        (model("anthropic", "claude-sonnet-4-5-20250929"), Tokens(1000, 100), {}, "0.0045"),
        # OpenAI's (GPT-5): 1.25, 10 and 0.125; priority costs twice as much.
        (model("openai", "gpt-5"), Tokens(1000, 100, 1000), {}, "0.002375"),
        (model("openai", "gpt-5"), Tokens(1000, 100), {"service_tier": "priority"}, "0.0045"),
        # Google's (Gemini 2.5 Pro): dearer above 200k.
        (model("google", "gemini-2.5-pro"), Tokens(100_000, 0), {}, "0.125"),
        (model("google", "gemini-2.5-pro"), Tokens(300_000, 0), {}, "0.75"),
        (model("xai", "grok-4"), Tokens(1000, 100), {}, "0.0045"),
        (model("custom", "llama", "http://localhost:11434/v1", PRICE), Tokens(1000, 100, 1000, 1000), {}, "0.0078"),
        (model("anthropic", "claude-sonnet-4-5", "https://proxy.example.com", PRICE), Tokens(1000, 0), {}, "0.003"),
        (rehearsed_model(), Tokens(10**6, 10**6), {}, "0"),
    ],
)
def test_known_prices(priced: PolicyModel, tokens: Tokens, context: dict[str, str], expected: str) -> None:
    price = find_price(priced, NOW)
    assert price is not None
    assert price.cost(tokens, NOW, context) == Decimal(expected)


@pytest.mark.parametrize(
    "unknown",
    [
        model("anthropic", "claude-of-the-future"),
        model("anthropic", "claude-sonnet-4-5", "https://proxy.example.com"),
        model("custom", "gpt-5", "http://localhost:11434/v1"),
        model("openai", "whisper-1"),
    ],
)
def test_what_nobody_knows_is_none_and_never_zero(unknown: PolicyModel) -> None:
    assert find_price(unknown, NOW) is None


@pytest.mark.parametrize(
    ("priced", "context", "known"),
    [
        (model("anthropic", "claude-sonnet-4-5"), {}, True),
        (model("anthropic", "claude-sonnet-4-5"), {"service_tier": "auto"}, True),
        (model("anthropic", "claude-sonnet-4-5"), {"speed": "fast"}, False),
        (model("openai", "gpt-5"), {"service_tier": "priority"}, True),
        (model("openai", "gpt-5"), {"service_tier": "flex"}, True),
        (model("openai", "gpt-5"), {"service_tier": "of the future"}, False),
        (model("openai", "gpt-5"), {"service_tier": "default", "speed": "fast"}, False),
        (model("custom", "llama", "http://localhost:11434/v1", PRICE), {"service_tier": "priority"}, False),
        (model("custom", "llama", "http://localhost:11434/v1", PRICE), {"service_tier": "default"}, True),
        (rehearsed_model(), {"speed": "fast"}, True),
        (model("custom", "llama", "http://localhost:1/v1", TokenPrice(Decimal(0), Decimal(0))), {"speed": "x"}, True),
    ],
)
def test_what_may_cost_more_than_is_known(priced: PolicyModel, context: dict[str, str], known: bool) -> None:
    price = find_price(priced, NOW)
    assert price is not None
    assert price.knows(context) is known
