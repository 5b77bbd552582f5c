"""Which release a folder is, as a push wrote it there."""

from __future__ import annotations

from pathlib import Path

import msgspec

from freehold.base.plain_file import read_plain
from freehold.project.credential import CredentialRef
from freehold.server.release import RECORD_FILE

_LARGEST_BYTES = 1024 * 1024
_PARTS = 2
"""Of a credential's name there: `type/instance`."""


class _Named(msgspec.Struct):
    """All that is asked of a record: what else it says may be that of another version of Freehold."""

    id: str
    credentials: tuple[str, ...] = ()


def release_in(folder: Path) -> str:
    """Its id; empty for a folder that is no release."""
    named = _read(folder)
    return named.id if named else ""


def credentials_pushed_with(folder: Path) -> frozenset[CredentialRef]:
    """What the push of this release saw to that the server has; nothing for a folder that is no release."""
    named = _read(folder)
    parts = (name.split("/") for name in named.credentials) if named else ()
    return frozenset(CredentialRef(*each) for each in parts if len(each) == _PARTS)


def _read(folder: Path) -> _Named | None:
    try:
        return msgspec.json.decode(read_plain(folder / RECORD_FILE, _LARGEST_BYTES), type=_Named)
    except (OSError, msgspec.DecodeError):
        return None
