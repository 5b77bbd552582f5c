"""A run's event file: numbered without gaps, readable while it grows, whole again after a crash."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from freehold.base.clock import Clock, rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.base.redaction import Redaction
from freehold.keeper.event_place import place_after
from freehold.wire import events
from freehold.wire.events import AnyEvent, Event

Kind = TypeVar("Kind", bound=Event)

FREE_TEXT = frozenset({
    "text", "title", "input", "output", "value", "return_value", "uri", "message", "reason", "error", "host",
})  # fmt: skip
"""The fields of events that say what somebody said; only these are looked through for secrets."""


class EventLog:
    """Appends events to `path`, giving each its number and time; any number of readers follow it.

    Opening recovers: a line that a crash tore is cut off, numbering goes on after the last whole line.
    """

    def __init__(self, path: Path, run_id: str, clock: Clock) -> None:
        self.path = path
        self._run_id = run_id
        self._clock = clock
        self._waiting: set[asyncio.Event] = set()
        self.last_seq = 0
        self.container_lines = 0
        """How many lines of the run's own event file have been taken in."""
        self.started = False
        self.finished: events.RunFinished | None = None
        self._closed = False
        self._redaction = Redaction()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = self._recover()

    def append(self, event: Kind, *, durable: bool = False) -> Kind:
        """Write one event and wake the readers; `durable` waits until it is on the disk.

        Raises `FreeholdError(DISK)` when it cannot be written whole; the file then is as before. CONFLICT after
        `run.finished`, which is the last word, and after `close`.
        """
        if self._closed or self.finished:
            raise FreeholdError(Code.CONFLICT, f"{self.path}: the run is over; {_type(event)} comes too late")
        numbered = msgspec.structs.replace(
            event,
            seq=self.last_seq + 1,
            run_id=self._run_id,
            ts=event.ts or rfc3339(self._clock.now()),
            **self._redacted(event),
        )
        line = events.encode(numbered)
        try:
            self._write(line)
            if durable:
                os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise _disk_error(self.path, error) from error
        self._size += len(line)
        self._note(numbered)
        self._wake()
        return numbered

    @property
    def size_bytes(self) -> int:
        return self._size

    async def follow(self, after_seq: int = 0, *, live: bool = True) -> AsyncIterator[AnyEvent]:
        """Every event after `after_seq`; `live` goes on until `run.finished`, or until the log is closed."""
        grown = asyncio.Event()
        self._waiting.add(grown)
        try:
            with self.path.open("rb") as file:
                file.seek(place_after(file, self._size, after_seq))
                while True:
                    grown.clear()
                    while line := self._whole_line(file):
                        event = events.decode(line)
                        if event.seq > after_seq:
                            yield event
                        if isinstance(event, events.RunFinished):
                            return
                    if not live or self._closed or self.finished:  # the last word may be among what was skipped
                        return
                    await grown.wait()
        finally:
            self._waiting.discard(grown)

    def close(self) -> None:
        """Nothing is written any more, and nobody waits for more. May be called again."""
        if self._closed:
            return
        self._closed = True
        os.close(self._file)
        self._wake()

    def redact(self, redaction: Redaction) -> None:
        """From now on black these secrets out: whatever way they come, the file is kept for ever."""
        self._redaction = redaction

    def _redacted(self, event: Event) -> dict[str, object]:
        return {
            name: self._redaction.value(getattr(event, name)) for name in event.__struct_fields__ if name in FREE_TEXT
        }

    def _wake(self) -> None:
        for waiter in self._waiting:
            waiter.set()

    def _whole_line(self, file: BinaryIO) -> bytes:
        position = file.tell()
        if position >= self._size:
            return b""
        return file.readline()

    def _write(self, line: bytes) -> None:
        written = os.pwrite(self._file, line, self._size)
        if written < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _recover(self) -> int:
        whole = 0
        with self.path.open("rb") as file:
            for line in file:
                event = _readable(line)
                if event is None:
                    break
                self._note(event)
                whole += len(line)
        os.ftruncate(self._file, whole)
        return whole

    def _note(self, event: Event) -> None:
        self.last_seq = event.seq
        self.container_lines = max(self.container_lines, getattr(event, "container_seq", 0))
        if isinstance(event, events.RunStarted):
            self.started = True
        if isinstance(event, events.RunFinished):
            self.finished = event


def read_events(path: Path) -> list[AnyEvent]:
    """All whole events of a file that nobody writes any more; a torn last line is left out."""
    return list(each_event(path))


def each_event(path: Path, after_seq: int = 0) -> Iterator[AnyEvent]:
    """As `read_events`, those after that one, one after the other: a file may be larger than memory."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(place_after(file, os.fstat(file.fileno()).st_size, after_seq))
        for line in file:
            event = _readable(line)
            if event is not None and event.seq > after_seq:
                yield event


def _type(event: Event) -> str:
    return str(event.__struct_config__.tag)


def _readable(line: bytes) -> AnyEvent | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return events.decode(line)
    except msgspec.DecodeError:
        return None


def _disk_error(path: Path, error: OSError) -> FreeholdError:
    return FreeholdError(
        Code.DISK,
        f"{path}: an event could not be written: {error.strerror}",
        f"Make room on the disk that holds {path.parent} (df -h {path.parent}); `freehold image prune` frees images.",
    )
