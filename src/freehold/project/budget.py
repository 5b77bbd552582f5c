"""Budgets: what a run, and a day or a month of runs, may cost at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class Budget:
    """None means: no limit. Days and months begin at midnight UTC (`docs/interfaces.md`, "Model gateway")."""

    usd_per_run: float | None = None
    usd_per_day: float | None = None
    usd_per_month: float | None = None
    tokens_per_run: int | None = None
    turns_per_run: int | None = None

    @property
    def in_usd(self) -> bool:
        """Under such a budget a model without a known price is refused."""
        return any(limit is not None for limit in (self.usd_per_run, self.usd_per_day, self.usd_per_month))

    def tightened_by(self, other: Budget) -> Budget:
        """The smaller of each limit."""
        return Budget(
            usd_per_run=_smaller(self.usd_per_run, other.usd_per_run),
            usd_per_day=_smaller(self.usd_per_day, other.usd_per_day),
            usd_per_month=_smaller(self.usd_per_month, other.usd_per_month),
            tokens_per_run=_smaller(self.tokens_per_run, other.tokens_per_run),
            turns_per_run=_smaller(self.turns_per_run, other.turns_per_run),
        )


def budget_of(values: Mapping[str, Any]) -> Budget:
    """The `[budget]` table, its keys already checked."""
    return Budget(**{field.name: values[field.name] for field in fields(Budget)})


def _smaller(one: _Number | None, other: _Number | None) -> _Number | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
