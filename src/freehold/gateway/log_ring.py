"""The last words of this process's own log, for whoever asks for them over HTTP."""

from __future__ import annotations

import logging
from collections import deque

from freehold.base.log import JsonFormatter

MOST_LINES = 2000
LONGEST_LINE = 4000


class LogRing(logging.Handler):
    """Each line is numbered; `lines` are those that are still there, oldest first. They are kept as they are written
    to standard error, so they hold no more than that does."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(JsonFormatter())
        self._count = 0
        self.lines: deque[tuple[int, str]] = deque(maxlen=MOST_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if len(line) <= LONGEST_LINE:
            self._count += 1
            self.lines.append((self._count, line))
