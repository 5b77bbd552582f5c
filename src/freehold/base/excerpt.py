"""Text that may be long, shown within a bound, with a note of what is missing."""

from __future__ import annotations


def excerpt(text: str, longest: int) -> str:
    """`text` when it fits in `longest` characters, else its beginning and its end around a note of what was cut.

    The result is never longer than `longest` plus the note (≤ 60 characters).
    """
    if len(text) <= longest:
        return text
    head = longest * 2 // 3
    tail = longest - head
    return f"{text[:head]}\n[... {len(text) - longest} characters cut ...]\n{text[len(text) - tail :]}"
