"""What was said last in a run, from the end of its event file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from freehold.base.plain_text import one_line
from freehold.wire import events as wire
from freehold.wire.events import AnyEvent

TAIL_BYTES = 32 * 1024


def last_words(path: Path) -> str:
    """One line: what the agent says or does; empty before it said anything. Only the end of the file is read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            begin = max(0, size - TAIL_BYTES)
            file.seek(begin)
            lines = file.read().split(b"\n")
    except OSError:
        return ""
    return said(reversed(list(_events(lines[1:] if begin else lines))))


def said(latest_first: Iterable[AnyEvent]) -> str:
    """Pieces of one message are put together."""
    pieces: list[str] = []
    for event in latest_first:
        if isinstance(event, wire.Message):
            pieces.insert(0, event.text)
        elif pieces:
            break
        elif words := _words(event):
            return one_line(words)
    return one_line(_last_line("".join(pieces)))


def _words(event: AnyEvent) -> str:
    match event:
        case wire.ToolStarted():
            return f"$ {event.title}"
        case wire.Status():
            return event.text
        case wire.PermissionAsked():
            return f"asks for permission: {event.title}"
        case wire.PhaseStarted():
            return event.phase.replace("_", " ")
        case wire.BuildStep():
            return f"building: {event.text}"
        case _:
            return ""


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _events(lines: Iterable[bytes]) -> Iterator[AnyEvent]:
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError):  # the last line may not be whole yet
            yield wire.decode(line)
