"""Puts files back as they were before a change that nobody confirmed: at once, or by a timer of the server's own.

Also a program that stands alone: `put_back.py NAME TOKEN`, for the timer.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNDO = Path("/var/lib/freehold/undo")
"""What was there before each change that is not confirmed yet. Nobody but root reads it."""


@contextlib.contextmanager
def held(name: str) -> Iterator[None]:
    """One at a time changes what `name` stands for."""
    UNDO.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (UNDO / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kept(name: str) -> dict[str, Any] | None:
    """What was there before; None when all changes are confirmed."""
    try:
        found: dict[str, Any] = json.loads((UNDO / f"{name}.json").read_bytes())
    except FileNotFoundError:
        return None
    return found


def keep(name: str, before: dict[str, Any]) -> None:
    write_whole(UNDO / f"{name}.json", json.dumps(before).encode(), 0o600)


def forget(name: str) -> None:
    (UNDO / f"{name}.json").unlink(missing_ok=True)


def remembered(path: str) -> dict[str, Any] | None:
    """A file as it is now; None when there is none."""
    try:
        content, status = Path(path).read_bytes(), os.stat(path)
    except FileNotFoundError:
        return None
    return {
        "content": base64.b64encode(content).decode(),
        "mode": status.st_mode & 0o7777,
        "owner": [status.st_uid, status.st_gid],
    }


def write_whole(path: Path, content: bytes, mode: int, owner: tuple[int, int] = (0, 0)) -> None:
    """Whoever reads the file finds the old one or the new one."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fchown(file.fileno(), *owner)
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    os.replace(new, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def put_back(name: str, token: str = "") -> list[str]:
    """What could not be done of it, in words. With a token, only the change of that token is undone. The lock is held
    by whoever calls it."""
    before = kept(name)
    if before is None or (token and before["token"] != token):
        return []
    complaints = []
    for path, file in before["files"].items():
        try:
            if file is None:
                Path(path).unlink(missing_ok=True)
            else:
                write_whole(Path(path), base64.b64decode(file["content"]), file["mode"], tuple(file["owner"]))
        except OSError as error:
            complaints.append(f"{path}: {error.strerror}")
    for argv in before["undo"]:
        status, said = ran(argv)
        if status:
            complaints.append(f"{' '.join(argv)}: {said.strip().splitlines()[-1] if said.strip() else status}")
    forget(name)
    return complaints


def ran(argv: list[str], timeout_s: float = 90.0) -> tuple[int, str]:
    """The status of a command and what it said; 127 for one that is not there, 124 for one that takes too long."""
    return ended(argv, begun(argv), timeout_s)


def begun(argv: list[str]) -> subprocess.Popen[bytes] | None:
    """None for a program that is not there."""
    room = {**os.environ, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    try:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=room
        )
    except FileNotFoundError:
        return None


def ended(argv: list[str], process: subprocess.Popen[bytes] | None, timeout_s: float = 90.0) -> tuple[int, str]:
    if process is None:
        return 127, f"{argv[0]}: not found"
    try:
        said, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return 124, f"{argv[0]} takes longer than {timeout_s:.0f} s"
    return process.returncode, said.decode(errors="replace")


if __name__ == "__main__":
    with held(sys.argv[1]):
        if not_done := put_back(sys.argv[1], sys.argv[2]):
            sys.exit("\n".join(not_done))
