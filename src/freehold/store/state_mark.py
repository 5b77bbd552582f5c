"""Whether a project's state (`.freehold`) was made here, or came with a project from elsewhere.

What lies in it decides what a keeper does next: which runs it takes over, as whom they run, which folders it removes. A
repository or an archive may bring such a folder along. So a state carries a mark that only this home of Freehold makes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_DIRECTORY, PRIVATE_FILE, make_private_directory, write_atomically
from freehold.project.state import for_both

MARK_FILE = "made-here"
KEY_FILE = "state.key"
_KEY_BYTES = 32
_HARMLESS = ("keeper.log", f".{MARK_FILE}.")
"""How names begin of what may lie there before there is a mark: whoever starts a keeper may be killed at any point."""


def claim_state(state: Path, home: Path) -> None:
    """Make `state`, a directory for this user alone, and mark it; one that was marked before is left as it is.

    Raises DENIED for a folder that did not come into being here, for a link, and for `home` itself, which is where a
    project in somebody's home directory would keep its state; `OSError` as the disk does.
    """
    if state.exists() and home.exists() and state.samefile(home):
        raise FreeholdError(
            Code.DENIED,
            f"{state.parent} cannot be a project: {state} is where your credentials are",
            "Make the project in a folder of its own: freehold new NAME",
        )
    if state.is_symlink():
        raise _not_ours(state, "is a link")
    make_private_directory(state, for_both(PRIVATE_DIRECTORY))
    key = _key(home)
    with _one_at_a_time(state):
        if _is_marked(state, key):
            return
        if not all(entry.name.startswith(_HARMLESS) and _is_plain(entry) for entry in state.iterdir()):
            raise _not_ours(state, "was not made by this installation: it came with the project, or was copied")
        nonce = os.urandom(16).hex()
        write_atomically(state / MARK_FILE, f"{nonce} {_sign(key, nonce)}\n".encode(), PRIVATE_FILE)


def is_of_another_home(state: Path, home: Path) -> bool:
    """Whether this user marked `state`, and from another home than `home`; nothing is written."""
    mark, own_key = state / MARK_FILE, home / KEY_FILE
    try:
        if mark.lstat().st_uid != os.geteuid():
            return False
    except OSError:
        return False
    return not own_key.exists() or not _is_marked(state, own_key.read_bytes())


@contextlib.contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    """Commands that come at the same moment must not take what the others just made for a stranger's."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_marked(state: Path, key: bytes) -> bool:
    try:
        file = os.open(state / MARK_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = os.fstat(file)
        # A checkout cannot make such a mode, so a mark that was published by mistake is of no use in a repository.
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_uid != os.geteuid():
            return False
        nonce, _, signature = os.read(file, 200).decode("ascii", "replace").strip().partition(" ")
    finally:
        os.close(file)
    return hmac.compare_digest(signature.encode(), _sign(key, nonce).encode())


def _sign(key: bytes, nonce: str) -> str:
    return hmac.new(key, b"freehold state " + nonce.encode(), hashlib.sha256).hexdigest()


def _key(home: Path) -> bytes:
    """This home's own secret; made when it is first needed, by whoever comes first."""
    path = home / KEY_FILE
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        fresh = home / f".{KEY_FILE}.{os.urandom(8).hex()}"
        write_atomically(fresh, os.urandom(_KEY_BYTES), PRIVATE_FILE)
        try:
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(fresh)
        finally:
            fresh.unlink()
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise FreeholdError(Code.CONFIG, f"{path} is damaged", f"Remove it, and every {MARK_FILE} in your projects.")
    return key


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _not_ours(state: Path, why: str) -> FreeholdError:
    return FreeholdError(
        Code.DENIED,
        f"{state} {why}. What is in it would decide what runs here, and as whom.",
        f"Look at it, then remove it (the runs and workspaces in it are lost): rm -r {shlex.quote(str(state))}",
    )
