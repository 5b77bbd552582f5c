"""SQLite's log of what was written, put into the database's file while others write on.

SQLite does that in the commit that makes the log long, and whoever waits for that commit waits for the disk twice more.
Here a connection of its own does nearly all of it beside the writer, who puts away the little that came meanwhile,
after which the log is begun anew.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from enum import Enum, auto
from pathlib import Path

LONG_BYTES = 16 << 20
"""A log that is longer is put into the file. SQLite's own 4 MB are a few hundred webhooks."""
MORE_BYTES = 4 << 20
"""Once it was put away, and could not be begun anew because somebody reads in it: after so much more, again."""
LONGEST_PAGES = 65_536
"""256 MB: the writer does all of it, and waits, where this does not keep up (`wal_autocheckpoint`)."""
PUT_AWAY = "PRAGMA wal_checkpoint(PASSIVE)"


class _State(Enum):
    SHORT = auto()
    BEING_PUT_AWAY = auto()
    NEARLY_AWAY = auto()


class WriteAheadLog:
    """Beside the database in the file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = f"{path}-wal"
        self._thread: threading.Thread | None = None
        self._state = _State.SHORT
        self._long = LONG_BYTES

    def wants_writer(self) -> bool:
        """Told by the writer after a commit. True: it is to execute `PUT_AWAY`, which is quick now."""
        if self._state is _State.NEARLY_AWAY:
            self._state = _State.SHORT
            return True
        length = self._length()
        if length <= LONG_BYTES:
            self._long = LONG_BYTES
        if self._state is _State.SHORT and length > self._long:
            self._long = length + MORE_BYTES
            self._state = _State.BEING_PUT_AWAY
            self._thread = threading.Thread(target=self._put_away, name="database-log", daemon=True)
            self._thread.start()
        return False

    def close(self) -> None:
        """Wait until nobody is at work on it."""
        if self._thread is not None:
            self._thread.join()

    def _length(self) -> int:
        try:
            return os.stat(self._log).st_size  # noqa: PTH116  after each commit: the quickest that there is
        except OSError:
            return 0

    def _put_away(self) -> None:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(self._path)) as connection:
            connection.execute(PUT_AWAY)  # where it fails, the writer does it, by its own bound at the latest
        self._state = _State.NEARLY_AWAY
