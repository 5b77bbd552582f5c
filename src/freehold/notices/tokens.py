"""What a link to an answer carries: which answer to which notice is meant, and that we made it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_DIRECTORY, PRIVATE_FILE, make_private_directory, write_atomically
from freehold.base.ids import is_ulid
from freehold.project.state import for_both

KEY_FILE = "notices.key"
_KEY_BYTES = 32
_LONGEST = 120


def token(key: bytes, notice_id: str, option: int) -> str:
    """`<notice>.<option>.<signature>`: fit for a URL."""
    said = f"{notice_id}.{option}"
    return f"{said}.{_signature(key, said)}"


def read(key: bytes, text: str) -> tuple[str, int] | None:
    """The notice and the number of its option that `text` was made for; None when we did not make it."""
    if len(text) > _LONGEST or not text.isascii():
        return None
    said, _, signature = text.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(key, said).encode()):
        return None
    notice_id, _, option = said.partition(".")
    return (notice_id, int(option)) if is_ulid(notice_id) and option.isdigit() else None


def key_in(state: Path) -> bytes:
    """The key that the links of a project's notices are signed with; made when it is first needed.

    Raises DISK, and CONFIG when it is damaged.
    """
    path = state / KEY_FILE
    try:
        make_private_directory(state, for_both(PRIVATE_DIRECTORY))
        if not path.exists():
            fresh = state / f".{KEY_FILE}.{os.urandom(8).hex()}"
            write_atomically(fresh, os.urandom(_KEY_BYTES), PRIVATE_FILE)
            try:
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(fresh)
            finally:
                fresh.unlink()
        key = path.read_bytes()
    except OSError as error:
        raise FreeholdError(Code.DISK, f"{path}: {error.strerror}", f"Look at {path.parent}.") from None
    if len(key) != _KEY_BYTES:
        raise FreeholdError(Code.CONFIG, f"{path} is damaged", "Remove it; links that were sent lead nowhere then.")
    return key


def _signature(key: bytes, said: str) -> str:
    digest = hmac.new(key, b"freehold answer " + said.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
