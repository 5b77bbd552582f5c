"""Starting a project's services anew on this server, and what they were started with."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused

_TIMEOUT_S = 110


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """`started` says by unit what it was started with last."""
    words = ["systemctl", "show", "--no-pager", "--property=Id,ActiveState", "--", *asked["units"]]
    said = subprocess.run(words, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False).stdout
    active = {}
    for block in said.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        active[values.get("Id", "")] = values.get("ActiveState", "")
    return {"started": _started(asked["record"]), "active": active}


def main(told: dict[str, Any]) -> None:
    """What is to be restarted is written down as such before, and as done after it: cut off between, it is done once
    more."""
    before = _started(told["record"])
    _write(told["record"], {unit: digest for unit, digest in before.items() if unit not in told["restart"]})
    _systemctl("reset-failed", *told["restart"], may_fail=True)
    if told["start"]:
        _systemctl("start", *told["start"])
    if told["restart"]:
        _systemctl("restart", *told["restart"])
    _write(told["record"], {**before, **told["restart"]})


def _systemctl(verb: str, *units: str, may_fail: bool = False) -> None:
    words = ["systemctl", "--no-ask-password", verb, "--", *units]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode and not may_fail:
        said = " ".join(done.stderr.split())
        raise Refused("unhealthy", f"systemctl {verb} {' '.join(units)}: {said or done.returncode}")


def _started(path: str) -> dict[str, str]:
    try:
        with open(path) as file:
            read = json.load(file)
        return read if isinstance(read, dict) else {}
    except (OSError, ValueError):
        return {}


def _write(path: str, started: dict[str, str]) -> None:
    try:
        with open(f"{path}.part", "w") as file:
            json.dump(started, file)
        os.replace(f"{path}.part", path)
    except OSError as error:
        raise Refused("disk", f"{path}: {error.strerror}", "Make room on the server's disk.") from None
