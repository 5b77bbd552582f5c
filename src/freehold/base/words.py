"""Sentences for people: suggestions, sizes, durations."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([bkmgt]?)i?b?$", re.IGNORECASE)
_FACTORS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def did_you_mean(unknown: str, known: Iterable[str]) -> str:
    """`(did you mean "issues"?)`, or the empty string when nothing is near."""
    nearest = difflib.get_close_matches(unknown, list(known), n=1, cutoff=0.6)
    return f'(did you mean "{nearest[0]}"?)' if nearest else ""


def one_of(known: Iterable[str]) -> str:
    """`a, b, c`, sorted; `none` when there are none."""
    return ", ".join(sorted(known)) or "none"


def parse_size(text: str) -> int:
    """Bytes of Docker's notation: `4g`, `512m`, `64k`, `1048576`. Raises `ValueError` with the notation named."""
    match = _SIZE.match(text.strip())
    if not match:
        raise ValueError(f'"{text}" is not a size; write for example "512m" or "4g"')
    return int(float(match[1]) * _FACTORS[match[2].lower()])


def size(size_bytes: float) -> str:
    """`4.0 GB`, `12 kB`: powers of 1024, one decimal from a megabyte on."""
    for unit in ("B", "kB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1024
    for unit in ("MB", "GB"):
        if size_bytes < 1024:
            return f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} TB"


def duration(seconds: float) -> str:
    """`0.4 s`, `12.3 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def plural(count: int, noun: str) -> str:
    """`1 error`, `3 errors`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
