"""What was accepted, as those remember it who asked: kept outside of the project."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """`triggers` and `runs` by id, with who asked; `deliveries` by their own id, with the receipt they were answered
    with. `sent` counts what was asked, `surprises` tells of answers that no client should get.
    """

    triggers: dict[str, str] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    deliveries: dict[str, str] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    version: int = 0
    """Of the agent that is edited: the latest sound one."""

    def surprise(self, text: str) -> None:
        self.surprises.append(text)
