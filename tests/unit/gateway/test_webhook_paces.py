from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.webhook_paces import (
    BURST,
    UNSIGNED_BURST,
    UNSIGNED_BURST_BYTES,
    UNSIGNED_BYTES_PER_SECOND,
    UNSIGNED_PER_SECOND,
    WebhookPaces,
)
from freehold.project.webhooks import WebhookSource
from tests.support.webhooks import source


def taken(paces: WebhookPaces, of: WebhookSource, size_bytes: int, now: float, asked: int) -> int:
    """How many of so many are taken."""
    return sum(not refusal(paces, of, size_bytes, now) for _ in range(asked))


def refusal(paces: WebhookPaces, of: WebhookSource, size_bytes: int, now: float) -> str:
    try:
        paces.require(of, size_bytes, now)
    except FreeholdError as error:
        return str(error.code)
    return ""


def test_a_signed_source_may_burst_whatever_its_size() -> None:
    paces = WebhookPaces()
    assert taken(paces, source("github"), 10_000_000, 0.0, BURST + 10) == BURST


@pytest.mark.parametrize("of", [source("github", allow_unsigned=True), source("test")], ids=["unsigned", "test"])
def test_an_unsigned_one_is_bounded_by_number(of: WebhookSource) -> None:
    paces = WebhookPaces()
    assert of.takes_unsigned
    assert taken(paces, of, 10, 0.0, UNSIGNED_BURST + 10) == UNSIGNED_BURST
    assert taken(paces, of, 10, 2.0, 100) == 2 * UNSIGNED_PER_SECOND
    assert refusal(paces, of, 10, 2.0) == Code.RATE_LIMITED


def test_and_by_size_each_source_for_itself() -> None:
    paces, large = WebhookPaces(), 1024 * 1024
    of, other = source("github", "one", allow_unsigned=True), source("github", "two", allow_unsigned=True)
    assert taken(paces, of, large, 0.0, 100) == UNSIGNED_BURST_BYTES // large
    assert taken(paces, of, large, 3.0, 10) == 3 * UNSIGNED_BYTES_PER_SECOND // large
    assert taken(paces, other, large, 3.0, 10) == 10
