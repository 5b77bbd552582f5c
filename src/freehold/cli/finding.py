"""What `doctor` finds, and how it can repair it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from freehold.base.errors import Code


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Fix:
    """A repair: `offer` says what it does, as the start of a question."""

    offer: str
    apply: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `code` says what kind of error it is."""

    level: Level
    subject: str
    message: str
    hint: str = ""
    code: Code = Code.FAILED
    fix: Fix | None = None

    def as_dict(self) -> dict[str, str | bool]:
        return {
            "level": self.level,
            "subject": self.subject,
            "message": self.message,
            "hint": self.hint,
            "fixable": self.fix is not None,
        }
