"""Diagnostics of our own processes: one JSON object a line on standard error, never a secret."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from freehold.base.clock import rfc3339

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_TALKATIVE = ("alembic", "uvicorn", "watchfiles")
"""Libraries that tell at every start, or at every edit, what nobody can act on."""


class JsonFormatter(logging.Formatter):
    """`{"ts", "level", "logger", "msg", …extra}`; values that JSON does not know are shown by `str`."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "ts": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        entry.update({key: value for key, value in vars(record).items() if key not in _STANDARD_FIELDS})
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def set_up(level: int = logging.INFO, *, file: TextIO | None = None) -> None:
    """Send the log of this process to standard error, or to `file`; called once, by the entry points of daemons."""
    handler = logging.StreamHandler(file or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
