"""How a plan shows what becomes of a file. Pure."""

from __future__ import annotations

import difflib

_NO_FILE = "/dev/null"


def text_difference(path: str, before: str | None, after: str | None) -> tuple[str, ...]:
    """As `diff -u` has it: the path in both lines of the head, and /dev/null where there is no file. Nothing for texts
    that are the same: then the mode or the owner differs."""
    lines = difflib.unified_diff(
        (before or "").splitlines(),
        (after or "").splitlines(),
        _NO_FILE if before is None else path,
        _NO_FILE if after is None else path,
        lineterm="",
    )
    return tuple(lines)
