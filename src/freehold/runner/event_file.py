"""`events.jsonl` of the run directory, as the runner writes it: what it saw, in order, without gaps."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from freehold.base.clock import rfc3339
from freehold.base.excerpt import excerpt
from freehold.base.redaction import Redaction
from freehold.wire import events
from freehold.wire.events import AnyTestimony, Log

LONGEST_TEXT = 32 * 1024
"""Characters of one string in an event; the keeper takes lines of 256 kB, and JSON may write a character in six."""
LARGEST_FILE_BYTES = 48 * 1024 * 1024
"""Below the size at which the keeper takes a run for flooding (64 MB), so that the runner can still say why it ends."""
_HEAD = frozenset({"v", "seq", "run_id", "ts", "container_seq"})


class EventFile:
    """Appends one line per event with one `write`; `seq` counts what was written, from 1.

    Nothing here raises: an event that the disk refuses is counted, and the next one that is written is preceded by
    a `log` event that says how many are missing and why. Past `largest_bytes`, `full` is true and only events
    marked `always` are written.
    """

    def __init__(
        self, path: Path, run_id: str, redaction: Redaction | None = None, *, largest_bytes: int = LARGEST_FILE_BYTES
    ) -> None:
        self._run_id = run_id
        self._redaction = redaction or Redaction()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._largest_bytes = largest_bytes
        self._torn = False
        self._lost = 0
        self._lost_why = ""
        self._bytes = 0
        self.seq = 0
        self.full = False

    def redact(self, redaction: Redaction) -> None:
        """From now on black out these secrets: they are read after the first event is written."""
        self._redaction = redaction

    def log(self, level: str, text: str) -> None:
        self.write(Log(level=level, text=text), always=True)

    def write(self, event: AnyTestimony, *, always: bool = False) -> None:
        if self.full and not always:
            return
        if self._lost:
            note = f"{self._lost} events could not be written ({self._lost_why})"
            if not self._append(Log(level="error", text=note)):
                self._lost += 1
                return
            self._lost = 0
        if not self._append(event):
            self._lost += 1
        self.full = self.full or self._bytes > self._largest_bytes

    def close(self) -> None:
        if self._lost:
            self._append(Log(level="error", text=f"{self._lost} events could not be written ({self._lost_why})"))
        os.close(self._file)

    def _append(self, event: AnyTestimony) -> bool:
        head = {"seq": self.seq + 1, "run_id": self._run_id, "ts": rfc3339(datetime.now(UTC))}
        line = events.encode(msgspec.structs.replace(self._bounded(event), **head))
        # A line that the disk cut short is ended first, so that it spoils only itself.
        data = b"\n" + line if self._torn else line
        try:
            written = os.write(self._file, data)
        except OSError as error:
            self._lost_why = error.strerror or str(error)
            return False
        self._bytes += written
        self._torn = written < len(data)
        if self._torn:
            self._lost_why = "the disk is full"
            return False
        self.seq += 1
        return True

    def _bounded(self, event: AnyTestimony) -> AnyTestimony:
        changes = {}
        for name in event.__struct_fields__:
            if name not in _HEAD:
                value = self._redaction.value(getattr(event, name))
                changes[name] = excerpt(value, LONGEST_TEXT) if isinstance(value, str) else value
        return msgspec.structs.replace(event, **changes)
