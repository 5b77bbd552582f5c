"""A release that is not well: how long it is waited for, and what is told then.

Apart from `health.py`, so that the commands, which tell of it, load little before they log in.
"""

from __future__ import annotations

from collections.abc import Sequence

from freehold.base.errors import Code, FreeholdError

TIMEOUT_S = 60.0
"""For all of it, unless the person says otherwise. A gateway answers within two seconds (docs/bench.md); a database
that is brought up to date takes longer."""


class UnhealthyError(FreeholdError):
    """`journal` is what the services said last, since the release counts or else since the push began."""

    def __init__(self, why: str, journal: Sequence[str]) -> None:
        super().__init__(Code.UNHEALTHY, why)
        self.journal = tuple(journal)
