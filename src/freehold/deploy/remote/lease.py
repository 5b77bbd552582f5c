"""A lease on a project: who changes it on this server, and until when. All times are of this server's own clock that
never goes back, so that nobody else's counts; after a reboot no lease holds."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from freehold.deploy.remote.refused import Refused


def main(document: dict[str, Any]) -> Any:
    return {"take": take, "renew": renew, "give_back": give_back}[document["do"]](document)


def take(asked: dict[str, Any]) -> dict[str, Any]:
    """`held` is the lease of somebody else, which is in the way; None when it is ours now. `instead_of` is the token of
    one that is known to have died."""
    os.umask(0o022)
    _require_roots(asked["root"])
    try:
        os.makedirs(asked["root"], exist_ok=True)
        with _alone(asked["root"]):
            held = _held(asked["path"])
            if held and held["token"] not in (asked["token"], asked["instead_of"]):
                return {"held": {**held, "left_s": _left_s(held)}}
            _write(asked)
    except OSError as error:
        raise Refused("disk", f"{asked['path']} cannot be written: {error.strerror}", "Is the disk full?") from None
    return {"held": None}


def _require_roots(path: str) -> None:
    """Whoever may change what leads to the folder could have root write where the lease was never meant to be."""
    while path != "/":
        if os.path.lexists(path):
            found = os.lstat(path)
            is_open = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX and not stat.S_ISLNK(found.st_mode)
            if found.st_uid not in (0, os.geteuid()) or is_open:
                hint = "Choose another `basePath` in the [server] of the environment, or another name for the project."
                raise Refused("conflict", f"{path} belongs to others than root, or they may write to it", hint)
        path = os.path.dirname(path)


def renew(asked: dict[str, Any]) -> dict[str, Any]:
    """False when it is somebody else's by now."""
    with _alone(asked["root"]):
        held = _read(asked["path"])
        ours = held is not None and held["token"] == asked["token"]
        if ours:
            _write(asked)
    return {"ours": ours}


def give_back(asked: dict[str, Any]) -> dict[str, Any]:
    with _alone(asked["root"]):
        held = _read(asked["path"])
        ours = held is not None and held["token"] == asked["token"]
        if ours:
            os.unlink(asked["path"])
    return {"ours": ours}


def _held(path: str) -> dict[str, Any] | None:
    held = _read(path)
    return held if held and _left_s(held) > 0 else None


def _left_s(held: dict[str, Any]) -> float:
    if held["boot"] != _boot():
        return 0.0
    return float(held["until"]) - _now_s()


def _write(asked: dict[str, Any]) -> None:
    lease = {
        "token": asked["token"],
        "owner": asked["owner"],
        "process": asked["process"],
        "boot": _boot(),
        "until": _now_s() + asked["for_s"],
    }
    part = f"{asked['path']}.part"
    with open(part, "w") as file:
        json.dump(lease, file)
    os.replace(part, asked["path"])


def _read(path: str) -> dict[str, Any] | None:
    """None for one that is not there; what cannot be read was cut off by a reboot, and holds nobody off."""
    try:
        with open(path) as file:
            lease = json.load(file)
        return lease if {"token", "owner", "process", "boot", "until"} <= lease.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


@contextlib.contextmanager
def _alone(root: str) -> Iterator[None]:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _now_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
