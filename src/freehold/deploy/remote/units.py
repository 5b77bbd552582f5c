"""What systemd is told of a project on this server: unit files, and a command for people."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused

_SOCKET_UNITS = "/etc/systemd/system"
_STREAM = re.compile(r"^ListenStream=(?:.*:)?(\d+)$", re.MULTILINE)
_LISTENING = "0A"
_TIMEOUT_S = 90


def main(document: dict[str, Any]) -> Any:
    os.umask(0o022)
    if document["do"] == "restore":
        with open(document["units"]) as file:
            document = {**document, "files": json.load(file)}
    return put(document)


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """`taken` are ports that other projects were given, or that somebody listens on; not those of `socket`."""
    own = _ports(_text(asked["socket"]))
    others = [
        port
        for name in sorted(os.listdir(_SOCKET_UNITS))
        if name.startswith("freehold@") and name.endswith(".socket") and f"{_SOCKET_UNITS}/{name}" != asked["socket"]
        for port in _ports(_text(f"{_SOCKET_UNITS}/{name}"))
    ]
    taken = {*others, *(set(_listened_to()) - set(own))}
    return {
        "files": {path: _text(path) for path in asked["files"]},
        "disabled": [unit for unit in asked["enabled"] if not _is_enabled(unit)],
        "port": own[0] if own else 0,
        "taken": sorted(taken),
    }


def put(told: dict[str, Any]) -> dict[str, Any]:
    """Write the files that differ, let systemd read them, and let the units come up at each start of the server."""
    changed = [path for path, text in told["files"].items() if _text(path) != text]
    try:
        for path in changed:
            _write(path, told["files"][path])
    except OSError as error:
        raise Refused("disk", f"{error.filename}: {error.strerror}", "Make room on the server's disk.") from None
    if changed:
        _systemctl("daemon-reload")
    if missing := [unit for unit in told["enabled"] if not _is_enabled(unit)]:
        _systemctl("enable", "--quiet", *missing)
    return {"changed": changed}


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.freehold-part"
    with open(part, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(part, 0o755 if text.startswith("#!") else 0o644)  # the command for people is a script
    os.replace(part, path)


def _text(path: str) -> str | None:
    try:
        with open(path) as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _ports(text: str | None) -> list[int]:
    return [int(port) for port in _STREAM.findall(text or "")]


def _listened_to() -> list[int]:
    """proc(5), /proc/net/tcp: the local address is the second column, the state the fourth."""
    found = []
    for name in ("tcp", "tcp6"):
        for line in (_text(f"/proc/net/{name}") or "").splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENING:
                found.append(int(words[1].rpartition(":")[2], 16))
    return found


def _is_enabled(unit: str) -> bool:
    """By the link that enabling makes: a program for each unit would take longer than all the rest."""
    wants = "sockets" if unit.endswith(".socket") else "multi-user"
    return os.path.islink(f"{_SOCKET_UNITS}/{wants}.target.wants/{unit}")


def _systemctl(*words: str) -> None:
    done = subprocess.run(
        ["systemctl", "--no-ask-password", *words], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Refused("failed", f"systemctl {words[0]}: {said[-1] if said else done.returncode}")
