"""How deep JSON from elsewhere may be nested.

A reader's depth counts from where it is called: what one part of us could just read, another one, called from deeper
down, could not. So everything that is taken in stays far below what any reader bears (about 900 levels).
"""

from __future__ import annotations

from collections.abc import Iterable

DEEPEST = 100
"""Lists and objects in each other; schemas and arguments of tools have five or ten."""


def may_be_too_deep(text: bytes, deepest: int = DEEPEST) -> bool:
    """Whether JSON is worth a look at how deep it is: it cannot be deeper than it has brackets, in strings or not."""
    found = 0
    for bracket in (b"{", b"["):
        at = text.find(bracket)  # ten times as fast as `count`, which looks at each byte
        while at >= 0:
            found += 1
            if found > deepest:
                return True
            at = text.find(bracket, at + 1)
    return False


def is_too_deep(value: object, deepest: int = DEEPEST) -> bool:
    """Whether lists and dicts in `value`, as JSON gives them, are nested in more than `deepest` levels."""
    level: list[object] = [value]
    for _ in range(deepest):
        level = [entry for container in level for entry in _entries(container)]
        if not level:
            return False
    return True


def _entries(container: object) -> list[object]:
    entries = container.values() if isinstance(container, dict) else container
    return [entry for entry in entries if isinstance(entry, list | dict)] if isinstance(entries, Iterable) else []
