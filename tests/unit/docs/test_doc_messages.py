"""The messages that docs/troubleshooting.md quotes are those that Freehold prints."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.pages import DOCS, ROOT, Page

HOLE = "…"
OTHERS = (
    "CONNECT tunnel failed", "No such file or directory", "Permission denied", "Read-only file system", "unknown ",
    "No space left on device", "command not found", "SKILL.md", "Dockerfile", "keeper.sock", "the base image",
)  # fmt: skip
"""What Docker, the kernel and shells say, and what is put together from a word and a name."""
SHORTEST = 8


def texts(node: ast.AST) -> Iterator[str]:
    """Every text that a program holds, with a hole where something is filled in."""
    for child in ast.walk(node):
        if isinstance(child, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in child.values)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value


def all_texts() -> str:
    sources = (ROOT / "src").rglob("*.py")
    return "\n".join(text for path in sources for text in texts(ast.parse(path.read_text(encoding="utf-8"))))


def quoted(page: Page) -> Iterator[str]:
    """The code in the first column of every table."""
    for line in page.prose.splitlines():
        if line.startswith("| ") and not line.startswith("| what you see"):
            yield from re.findall(r"`([^`]+)`", line.split(" | ")[0])


def pieces(message: str) -> list[str]:
    """What stands between holes, numbers and punctuation, as far as it is long enough to mean something."""
    found = (piece.strip().lower() for piece in re.split(r"[…\d\"():;,\[\]]+", message))
    return [piece for piece in found if len(piece) >= SHORTEST]


MESSAGES = list(quoted(Page(DOCS / "troubleshooting.md")))
PRINTED = all_texts().lower()


@pytest.mark.parametrize("message", MESSAGES)
def test_quoted_messages_are_printed(message: str) -> None:
    unheard = [piece for piece in pieces(message) if piece not in PRINTED]
    assert [piece for piece in unheard if not any(other.lower() in piece for other in OTHERS)] == []


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 50


def test_a_message_that_nobody_prints_is_found() -> None:
    assert "the container ran out of memory: its limit is " in PRINTED
    assert "the container had too little memory" not in PRINTED
    assert pieces('agents/…: The run flooded "…" (over 64 MB)') == ["the run flooded"]
