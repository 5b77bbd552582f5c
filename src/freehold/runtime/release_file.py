"""Which release a folder is, as a push wrote it there."""

from __future__ import annotations

from pathlib import Path

import msgspec

from freehold.base.plain_file import read_plain
from freehold.server.release import RECORD_FILE

_LARGEST_BYTES = 1024 * 1024


class _Named(msgspec.Struct):
    """All that is asked of a record: what else it says may be that of another version of Freehold."""

    id: str


def release_in(folder: Path) -> str:
    """Its id; empty for a folder that is no release."""
    try:
        return msgspec.json.decode(read_plain(folder / RECORD_FILE, _LARGEST_BYTES), type=_Named).id
    except (OSError, msgspec.DecodeError):
        return ""
