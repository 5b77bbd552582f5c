"""Which agents the first page shows: in pages, and those that a text is in (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from freehold.wire.service import AgentView

PAGE = 100
"""Rows that a browser has at once, and that are made anew when something changes: 120 kB, some milliseconds."""
LONGEST_TEXT = 200


@dataclass(frozen=True)
class AgentPage:
    """`agents` are those of this page, `found` how many there are of them all; `number` counts from 1."""

    agents: Sequence[AgentView]
    found: int
    number: int
    pages: int
    text: str

    def address(self, number: int) -> str:
        """Of another page of the same."""
        given = {"text": self.text, "page": str(number) if number > 1 else ""}
        query = urlencode({name: value for name, value in given.items() if value})
        return f"/?{query}" if query else "/"

    @property
    def here(self) -> str:
        return self.address(self.number)

    @property
    def others(self) -> list[tuple[str, str]]:
        """Titles and addresses of the pages before and after."""
        before = [("Before", self.address(self.number - 1))] if self.number > 1 else []
        return [*before, *([("After", self.address(self.number + 1))] if self.number < self.pages else [])]


def page_of(agents: Sequence[AgentView], text: str, number: str) -> AgentPage:
    """Those whose name or description `text` is in, in upper or lower case. Where they are more than a page, what asks,
    fails or runs comes first: it must not be on a page that nobody looks at. A `number` that there is not is the
    nearest.
    """
    text = text.strip()[:LONGEST_TEXT]
    wanted = text.casefold()
    found = [
        one for one in agents if not wanted or wanted in one.name.casefold() or wanted in one.description.casefold()
    ]
    if len(found) > PAGE:
        found.sort(key=_rank)  # stable: else by name, as they came
    pages = max(-(-len(found) // PAGE), 1)
    asked = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1
    chosen = min(max(asked, 1), pages)
    return AgentPage(found[(chosen - 1) * PAGE : chosen * PAGE], len(found), chosen, pages, text)


def _rank(agent: AgentView) -> int:
    if agent.last_run and agent.last_run.waiting_for:
        return 0
    return 1 if agent.error else 2 if agent.running else 3
