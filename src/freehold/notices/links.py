"""Where a notice leads: to the console, and to the answers of a question. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from freehold.base.plain_text import clipped
from freehold.notices.tokens import token
from freehold.store.notices import StoredNotice
from freehold.wire.notices import Notice

ANSWER_PATH = "/answer/"
RUN_PATH = "/runs/"
MOST_ANSWERS = 5
"""Of a question with more the console shows the rest."""
LONGEST_LABEL = 60


@dataclass(frozen=True)
class Link:
    """`label` is one harmless line."""

    label: str
    url: str


@dataclass(frozen=True)
class Links:
    """`base` is the gateway's address as people reach it; empty: there are no links."""

    base: str
    key: bytes

    def project(self) -> Link | None:
        return Link("Open the console", f"{self._root}/") if self.base else None

    def page(self, notice: Notice) -> Link | None:
        if not self.base or not notice.run_id:
            return self.project()
        return Link("Look at the run", f"{self._root}{RUN_PATH}{quote(notice.run_id, safe='')}")

    def answers(self, stored: StoredNotice) -> tuple[Link, ...]:
        """One for each option of what is asked. Whoever has a link can give that answer, once, until the deadline."""
        asked = stored.notice.permission
        if not self.base or asked is None:
            return ()
        return tuple(
            Link(
                clipped(option.name, LONGEST_LABEL) or f"option {number + 1}",
                f"{self._root}{ANSWER_PATH}{token(self.key, stored.id, number)}",
            )
            for number, option in enumerate(asked.options[:MOST_ANSWERS])
        )

    @property
    def _root(self) -> str:
        return self.base.rstrip("/")
