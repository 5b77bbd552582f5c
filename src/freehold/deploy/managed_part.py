"""What the parts have in common that keep files of the system (`managed_files.py`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from freehold.deploy.managed_files import (
    LogIn,
    ManagedFacts,
    Said,
    carry_out,
    carry_out_proven,
    facts_of,
    remote_text,
)
from freehold.deploy.part import Change
from freehold.hosts.host import Host


class ManagedPart(ABC):
    """`Part`. What it wants is its own; how that is made to count, and put back, is the same for all.

    With `log_in`, which logs in once more as the push did, a change stays only when that works under it.
    """

    name: str

    def __init__(self, log_in: LogIn | None = None) -> None:
        self._log_in = log_in

    @property
    def remote(self) -> str:
        return remote_text()

    @abstractmethod
    def asked(self) -> Mapping[str, Any]:
        """Made by `managed_files.asked`."""

    @abstractmethod
    def decide(self, told: ManagedFacts) -> Sequence[Change]:
        """As `Part.plan`."""

    def judge(self, said: Mapping[str, Said]) -> None:
        """Raises when what a change had asked afterwards (`Settings.ask`) speaks against it."""
        del said

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        return self.decide(facts_of(facts))

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        for each in changes:
            if self._log_in is None:
                await carry_out(host, each)
            else:
                await carry_out_proven(host, each, self._log_in, self.judge)
