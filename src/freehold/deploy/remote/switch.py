"""Which release of a project counts on this server, and which program runs it: two links."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.guard import arm
    from freehold.deploy.remote.refused import Refused


def read(asked: dict[str, Any]) -> dict[str, str]:
    return {"current": _leads_to(asked["current"]), "program": _leads_to(asked["program"])}


def main(told: dict[str, Any]) -> None:
    """The program first: whatever starts between the two is the newer program, which knows the older files. Only who
    has the lease may do it."""
    _require_lease(told["lease"], told["token"])
    if told["guard"]:
        arm(told["guard"])
    for path, target in told["links"]:
        if not os.path.isdir(os.path.join(os.path.dirname(path), target)):
            raise Refused("not_found", f"{target} is not there: {path} stays as it is", "Push again.")
        if _leads_to(path) != os.path.basename(target):
            _link(path, target)
    if told["rolled_back"]:
        _write(*told["rolled_back"])


def _require_lease(path: str, token: str) -> None:
    try:
        with open(path) as file:
            ours = json.load(file)["token"] == token
    except (OSError, ValueError, KeyError):
        ours = False
    if not ours:
        raise Refused("conflict", "somebody else took over meanwhile: nothing was switched", "Push again.")


def _link(path: str, target: str) -> None:
    part = f"{path}.part"
    try:
        if os.path.lexists(part):
            os.unlink(part)
        os.symlink(target, part)
        os.replace(part, path)
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Refused("disk", f"{path}: {error.strerror}", "Make room on the server's disk.") from None


def _write(path: str, content: list[str]) -> None:
    part = f"{path}.part"
    try:
        with open(part, "w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise Refused("disk", f"{path}: {error.strerror}", "Make room on the server's disk.") from None


def _leads_to(path: str) -> str:
    """The last name of it; empty where there is no link."""
    return os.path.basename(os.readlink(path)) if os.path.islink(path) else ""
