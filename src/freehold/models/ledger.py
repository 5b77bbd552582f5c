"""`spend.json`: the book of what was spent, safe against crashes and other processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_FILE, remove_leftovers, write_atomically
from freehold.models.spend import Book

KEEP_DAYS = 31

_decoder = msgspec.json.Decoder(Book)


class Ledger:
    """One project's book at `path`. Every change is read, decided and written under one lock, whole or not at all.

    A request is charged even when the process dies: what it set aside is in the file before it is sent.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._lock_path = path.with_name(f".{path.name}.lock")
        self._clock = clock

    def today(self) -> str:
        """The budget's day: UTC."""
        return self._clock.now().date().isoformat()

    def read(self) -> Book:
        """The book as it stands. Raises `FreeholdError` (`CONFIG`) when the file is damaged: never silently empty."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return Book()
        except OSError as error:
            raise _disk(self._path, error) from None
        try:
            book = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FreeholdError(
                Code.CONFIG, f"{self._path}: the record of what was spent is damaged ({error})",
                "budgets cannot be kept without it: repair the file, or move it away to count from zero",
            ) from None  # fmt: skip
        if book.version != 1:
            raise FreeholdError(
                Code.CONFIG, f"{self._path}: written by a newer Freehold (version {book.version})",
                "update this installation, or move the file away to count from zero",
            )  # fmt: skip
        return book

    def change(self, decide: Callable[[Book], Book]) -> Book:
        """Replace the book by what `decide` makes of it; whatever `decide` raises leaves it as it was."""
        with self._locked():
            before = self.read()
            after = decide(before)
            if after is not before:
                oldest = (self._clock.now() - timedelta(days=KEEP_DAYS)).date().isoformat()
                try:
                    write_atomically(self._path, msgspec.json.encode(after.pruned(oldest)))
                except OSError as error:
                    raise _disk(self._path, error) from None
            return after

    def close_dead_runs(self, alive: Collection[str]) -> None:
        """At a keeper's start: charge and close what runs left that are no longer; else requests would wait for them.

        Raises `FreeholdError` as `read` and `change` do.
        """
        with self._locked(), contextlib.suppress(OSError):  # it only takes room
            remove_leftovers(self._path)
        self.change(lambda book: book.without_dead(alive))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        except OSError as error:
            raise _disk(self._path, error) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _disk(path: Path, error: OSError) -> FreeholdError:
    return FreeholdError(
        Code.DISK, f"{path}: what is spent cannot be recorded ({error.strerror})",
        "make room or correct the rights of the directory; no model is asked without the record",
    )  # fmt: skip
