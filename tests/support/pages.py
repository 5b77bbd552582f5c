"""The documentation as tests read it: pages, their headings, links, blocks of code and spans of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(
    r"""^```(?P<language>\w*)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$""", re.MULTILINE | re.DOTALL
)
_SPAN = re.compile(r"``(?P<double>.+?)``|`(?P<single>[^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code; `line` is where it begins, from 1, and `title` what stands over it on the site."""

    language: str
    text: str
    line: int
    title: str = ""


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its blocks of code, every line in its place."""
        return _FENCE.sub(lambda match: "\n" * match[0].count("\n"), self.text)

    def blocks(self, *languages: str) -> Iterator[Block]:
        text = self.text
        for match in _FENCE.finditer(text):
            if not languages or match["language"] in languages:
                line = text.count("\n", 0, match.start("text")) + 1
                yield Block(match["language"], match["text"], line, match["title"] or "")

    def spans(self) -> Iterator[str]:
        """Spans of code, on one line each; the stroke that a table needs escaped is as it is meant."""
        for match in _SPAN.finditer(self.prose):
            yield " ".join((match["double"] or match["single"]).split()).replace("\\|", "|")

    def links(self) -> Iterator[str]:
        for match in _LINK.finditer(_SPAN.sub("", self.prose)):
            yield match["target"]

    @property
    def headings(self) -> list[str]:
        return [match["text"].replace("`", "") for match in _HEADING.finditer(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """As GitHub makes them of headings."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in self.headings}


def pages() -> list[Page]:
    """Every page that people are sent to."""
    top = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [Page(path) for path in [*top, *sorted(DOCS.rglob("*.md"))]]
