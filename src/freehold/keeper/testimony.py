"""Taking in what a container says: bounded, numbered by us, and never mistaken for fact."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from freehold.wire import events
from freehold.wire.events import AnyTestimony, Limit

LONGEST_LINE_BYTES = 256 * 1024
LARGEST_FILE_BYTES = 64 * 1024 * 1024
"""More than a day of a talkative agent; a run that writes more is flooding, and is ended."""
_READ_BYTES = 1024 * 1024


class Testimony:
    """Reads `events.jsonl` of a run directory from a given line on.

    Each line counts, whatever it holds, so that after a crash reading goes on exactly where the event log ends.
    """

    def __init__(self, path: Path, *, lines_taken: int = 0) -> None:
        self._path = path
        self._lines = 0
        self._skip = lines_taken
        self._offset = 0
        self._rest = b""
        self._oversized = False

    @property
    def flooded(self) -> bool:
        """The file is larger than any honest run needs; nothing past the bound is read."""
        return self._offset >= LARGEST_FILE_BYTES

    def take(self) -> Iterator[AnyTestimony | Limit]:
        """Everything written since the last call, a piece at a time. Raises nothing for what the container wrote."""
        try:
            size_bytes = self._path.stat().st_size
        except FileNotFoundError:
            return
        if size_bytes < self._offset:
            self._offset, self._rest = size_bytes, b""
            yield Limit(limit="events", message="the run cut its own event file; what was lost is unknown")
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            while not self.flooded and (chunk := file.read(_READ_BYTES)):
                self._offset += len(chunk)
                yield from self._lines_of(chunk)

    def _lines_of(self, chunk: bytes) -> list[AnyTestimony | Limit]:
        *lines, rest = (self._rest + chunk).split(b"\n")
        taken = [event for line in lines if (event := self._event_of(line)) is not None]
        if len(rest) > LONGEST_LINE_BYTES:
            # Keep none of a line that is too long, only the knowledge that it is.
            self._oversized, rest = True, b""
        self._rest = rest
        return taken

    def _event_of(self, line: bytes) -> AnyTestimony | Limit | None:
        self._lines += 1
        oversized, self._oversized = self._oversized or len(line) > LONGEST_LINE_BYTES, False
        if self._lines <= self._skip:
            return None
        if oversized:
            return self._audit("events", f"a line over {LONGEST_LINE_BYTES // 1024} kB was dropped")
        try:
            event = events.decode_testimony(line)
        except msgspec.DecodeError:
            return self._audit(*_why_not(line))
        return msgspec.structs.replace(event, container_seq=self._lines, ts="")

    def _audit(self, limit: str, message: str) -> Limit:
        return Limit(limit=limit, message=message, container_seq=self._lines)


class _Head(msgspec.Struct):
    type: str = ""


def _why_not(line: bytes) -> tuple[str, str]:
    try:
        claimed = msgspec.json.decode(line, type=_Head).type
    except msgspec.DecodeError:
        return "events", "a line that is no event was dropped"
    if claimed in events.HOST_TYPES:
        return "forged_event", f"the run wrote an event of the host's type {claimed}; it was dropped"
    return "events", f"an event of unknown shape (type {claimed[:40]!r}) was dropped"


def discard(path: Path) -> None:
    """Give the disk space of a flooded file back while the run still holds it open."""
    os.truncate(path, 0)
