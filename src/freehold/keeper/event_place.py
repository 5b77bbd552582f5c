"""Where in a run's event file an event is. Numbers only grow there, so some twenty lines say it."""

from __future__ import annotations

from typing import BinaryIO

import msgspec

CLOSE = 64 * 1024
"""Bytes that are rather read than looked through."""


class _Numbered(msgspec.Struct, frozen=True):
    seq: int


_decode = msgspec.json.Decoder(_Numbered).decode


def place_after(file: BinaryIO, size_bytes: int, after_seq: int) -> int:
    """Where a line begins before which no event has a number above `after_seq`: at, or little before, the first that
    has. `size_bytes` of the file are whole lines. Some twenty lines are read of a file of any size."""
    low, high = 0, size_bytes  # what begins before `low` has been seen already
    while after_seq > 0 and high - low > CLOSE:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()  # the end of a line, or a whole one: whatever begins here or later is looked at
        start = file.tell()
        if start >= high:
            high = middle
            continue
        line = file.readline()
        if _is_seen(line, after_seq):
            low = start + len(line)
        else:
            high = middle
    return low


def _is_seen(line: bytes, after_seq: int) -> bool:
    """False also for what is no event: then it is read from before it."""
    try:
        return _decode(line).seq <= after_seq
    except msgspec.DecodeError:
        return False
