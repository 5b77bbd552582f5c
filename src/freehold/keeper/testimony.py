"""Taking in what a container says: bounded, numbered by us, and never mistaken for fact."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from freehold.wire import events
from freehold.wire.decoding import decode_json
from freehold.wire.events import AnyTestimony, Limit

LONGEST_LINE_BYTES = 256 * 1024
LARGEST_FILE_BYTES = 64 * 1024 * 1024
MOST_LINES = 1_000_000
"""Both are more than a day of a talkative agent; a run that writes more is flooding, and is ended."""
PIECE_BYTES = 64 * 1024
"""Taken in at once; other runs have their turn between two pieces."""
MOST_COMPLAINTS = 100
"""Lines that are no events are told one by one up to here, and after it counted: a file of two-byte lines would fill
the host's disk with complaints a hundred times its size."""

_TOO_LONG = f"a line over {LONGEST_LINE_BYTES // 1024} kB was dropped"
_OPEN_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""A run may put a link or a pipe where its file was: the one is not followed, the other not waited for."""


class Testimony:
    """Reads `events.jsonl` of a run directory from a given line on.

    Each line counts, whatever it holds, so that after a crash reading goes on exactly where the event log ends.
    """

    def __init__(self, path: Path, *, lines_taken: int = 0) -> None:
        self._path = path
        self._file: int | None = None
        self._looking = True
        self._lines = 0
        self._skip = lines_taken
        self._offset = 0
        self._read_bytes = 0
        self._rest = b""
        self._oversized = False
        self._complaints = 0
        self.more = False
        """The last call of `take` did not come to the end of the file."""
        self.flooded = ""
        """Why nothing is read any more: the bound that the run passed, in words; empty while it keeps within."""

    def take(self) -> list[AnyTestimony | Limit]:
        """What was written since the last call, or its first piece (`more`). Raises nothing for what the run did."""
        self.more = False
        if self._file is None and self._looking and not self.flooded:
            problem = self._open()
            if problem:
                return [Limit(limit="events", message=problem)]
        if self._file is None or self.flooded:
            return []
        size_bytes = os.fstat(self._file).st_size
        if size_bytes < self._offset:
            self._offset, self._rest = size_bytes, b""
            return [Limit(limit="events", message="the run cut its own event file; what was lost is unknown")]
        if self._is_flooded(size_bytes):
            return []
        chunk = os.pread(self._file, PIECE_BYTES, self._offset)
        self._offset += len(chunk)
        self._read_bytes += len(chunk)
        self.more = self._offset < size_bytes
        return self._lines_of(chunk)

    def discard(self) -> None:
        """Give the disk space of a flooded file back while the run still holds it open."""
        if self._file is not None:
            os.ftruncate(self._file, 0)

    def close(self) -> list[Limit]:
        """Nothing more is read; what was counted and not told."""
        self._looking = False
        if self._file is not None:
            os.close(self._file)
            self._file = None
        untold = self._complaints - MOST_COMPLAINTS
        self._complaints = 0
        return [Limit(limit="events", message=f"{untold:,} more lines were dropped")] if untold > 0 else []

    def _open(self) -> str:
        """Open the file, if it is there; what is wrong with it. What is put in its place later is not looked at."""
        try:
            file = os.open(self._path, _OPEN_FLAGS)
        except FileNotFoundError:
            return ""
        except OSError:  # a link, a directory, a socket
            file = None
        if file is not None and stat.S_ISREG(os.fstat(file).st_mode):
            self._file = file
            return ""
        self._looking = False
        if file is not None:
            os.close(file)
        return "the run put something else in the place of its event file; what it says is not read any more"

    def _is_flooded(self, size_bytes: int) -> bool:
        if max(size_bytes, self._read_bytes) > LARGEST_FILE_BYTES:
            self.flooded = f"{LARGEST_FILE_BYTES // 1024**2} MB of events"
        elif self._lines > MOST_LINES:
            self.flooded = f"{MOST_LINES:,} events"
        return bool(self.flooded)

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
            return self._complain(None)
        try:
            event = events.decode_testimony(line)
        except msgspec.DecodeError:
            return self._complain(line)
        return msgspec.structs.replace(event, v=events.VERSION, container_seq=self._lines, ts="")

    def _complain(self, line: bytes | None) -> Limit | None:
        """`line` is None when it was too long to be kept."""
        self._complaints += 1
        if self._complaints > MOST_COMPLAINTS:
            return None
        limit, message = ("events", _TOO_LONG) if line is None else _why_not(line)
        return Limit(limit=limit, message=message, container_seq=self._lines)


class _Head(msgspec.Struct):
    type: str = ""


_head_decoder = msgspec.json.Decoder(_Head)


def _why_not(line: bytes) -> tuple[str, str]:
    try:
        claimed = decode_json(line, _head_decoder).type
    except msgspec.DecodeError:
        return "events", "a line that is no event was dropped"
    if claimed in events.HOST_TYPES:
        return "forged_event", f"the run wrote an event of the host's type {claimed}; it was dropped"
    return "events", f"an event of unknown shape (type {claimed[:40]!r}) was dropped"
