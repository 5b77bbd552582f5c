"""What a model costs where no list knows it: `[models.<name>.price]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class TokenPrice:
    """US dollars per million tokens, as a person configured them. None: as dear as `input`."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


def price_of(values: Mapping[str, Any]) -> TokenPrice | None:
    """The `price` table, its keys already checked; None when it is not written, or incomplete (then reported)."""
    read = _decimal(values["input"])
    written = _decimal(values["output"])
    if read is None or written is None:
        return None
    return TokenPrice(read, written, _decimal(values["cache_read"]), _decimal(values["cache_write"]))


def _decimal(value: float | None) -> Decimal | None:
    # Through its text: 0.1 is meant, and not the nearest binary fraction.
    return None if value is None else Decimal(str(value))
