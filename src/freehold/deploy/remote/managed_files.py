"""Files of the system that a push keeps as it wants them: written, checked, made to count; else all is put back.

Sent after `put_back.py`. What was there before is on the disk first, and stays there until the change is confirmed: so
one that is cut off shows (`waiting`), and is done again by the next push.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
import pwd
import secrets
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.put_back import (
        UNDO,
        begun,
        ended,
        forget,
        held,
        keep,
        kept,
        put_back,
        ran,
        remembered,
        write_whole,
    )
    from freehold.deploy.remote.refused import Refused

LARGEST_TEXT = 256 * 1024
once: Any = None
"""Set by `facts.py`, which has several parts ask."""


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """Files, names in folders, what commands say, and whose connection this is."""
    return {
        "files": {path: file_there(path) for path in asked.get("files", ())},
        "folders": {path: names_in(path) for path in asked.get("folders", ())},
        "said": answers(asked.get("commands", {})),
        "login": login(),
        "waiting": (UNDO / f"{asked['name']}.json").exists(),
    }


def main(document: dict[str, Any]) -> dict[str, Any]:
    os.umask(0o022)
    if document["do"] == "read":
        return read(document)
    with held(document["name"]):
        return {"apply": apply, "confirm": confirm, "undo": undo}[document["do"]](document)


def apply(document: dict[str, Any]) -> dict[str, Any]:
    """`check` are commands that must find the new files good, `activate` make them count. With `undo_after_s` the
    server itself puts all back after so long, unless the token of the answer confirms it."""
    name, token = document["name"], secrets.token_hex(8)
    before = kept(name) or {"files": {}, "undo": document["undo"]}
    for file in document["files"]:
        require_file(file["path"])
        before["files"].setdefault(file["path"], remembered(file["path"]))
    keep(name, {**before, "token": token})
    try:
        if document["undo_after_s"]:
            arm(name, token, document["undo_after_s"], document["put_back"])
        for file in document["files"]:
            place(file)
        for argv in document["check"]:
            require(argv, 0)
        for step in document["activate"]:
            require(step["argv"], step["patience_s"])
    except (Refused, OSError) as error:
        not_done = put_back(name)
        ran(["systemctl", "stop", timer(name, token)])
        left = f"; not put back: {'; '.join(not_done)}" if not_done else "; all is as it was"
        raise Refused("failed", f"{error}{left}") from None
    if not document["undo_after_s"]:
        forget(name)
    return {"token": token, "said": answers(document.get("ask", {}))}


def confirm(document: dict[str, Any]) -> dict[str, Any]:
    """False when it is too late, or another push has changed it since."""
    before = kept(document["name"])
    if before is None or before["token"] != document["token"]:
        return {"done": False}
    forget(document["name"])
    ran(["systemctl", "stop", timer(document["name"], document["token"])])
    return {"done": True}


def undo(document: dict[str, Any]) -> dict[str, Any]:
    """False when there is nothing to undo, or the timer was first."""
    if kept(document["name"]) is None:
        return {"done": False}
    if not_done := put_back(document["name"], document["token"]):
        raise Refused("failed", f"not put back: {'; '.join(not_done)}")
    ran(["systemctl", "stop", timer(document["name"], document["token"])])
    return {"done": True}


def place(file: dict[str, Any]) -> None:
    if file["text"] is None:
        Path(file["path"]).unlink(missing_ok=True)
    else:
        write_whole(Path(file["path"]), file["text"].encode(), file["mode"])


def require_file(path: str) -> None:
    """What is no file of its own is somebody's doing, and is not replaced."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        what = f"a link to {os.readlink(path)}" if stat.S_ISLNK(mode) else "no file"
        raise Refused("conflict", f"{path} is {what}", "Freehold writes a file of its own there: move it away.")


def require(argv: list[str], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        status, said = ran(argv)
        if status == 0:
            return
        if time.monotonic() >= deadline:
            last = "; ".join(said.strip().splitlines()[-3:]) or f"exit code {status}"
            raise Refused("failed", f"{' '.join(argv[:3])}: {last}")
        time.sleep(0.2)


def arm(name: str, token: str, after_s: float, program: str) -> None:
    """The timer is systemd's, and needs nothing of the connection that asks for it."""
    path = UNDO / "put_back.py"
    write_whole(path, program.encode(), 0o600)
    require(
        [
            "systemd-run", "--quiet", "--collect", f"--unit={timer(name, token).removesuffix('.timer')}",
            f"--on-active={after_s}", "--timer-property=AccuracySec=1s",
            "/usr/bin/env", "python3", "-I", str(path), name, token,
        ],
        0,
    )  # fmt: skip


def timer(name: str, token: str) -> str:
    return f"freehold-undo-{name}-{token}.timer"


def file_there(path: str) -> dict[str, Any] | None:
    """None when there is none. A text that is long, or no UTF-8, is told by its hash alone."""
    try:
        content, status = Path(path).read_bytes(), os.stat(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    text: str | None
    try:
        text = content.decode() if len(content) <= LARGEST_TEXT else None
    except UnicodeDecodeError:
        text = None
    owner = f"{user_name(status.st_uid)}:{group_name(status.st_gid)}"
    digest = hashlib.sha256(content).hexdigest()
    return {"sha256": digest, "text": text, "mode": status.st_mode & 0o7777, "owner": owner}


def names_in(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except (FileNotFoundError, NotADirectoryError):
        return []


def answers(commands: dict[str, list[str]]) -> dict[str, Any]:
    """Of commands that are begun at once: a push waits for the slowest one, and not for all of them. What other parts
    of the same push ask as well is asked once."""
    shared = {name for name, argv in commands.items() if once and once.is_shared(argv)}
    processes = {name: begun(argv) for name, argv in commands.items() if name not in shared}
    told = {name: once.ask(commands[name], ran) for name in shared}
    told |= {name: ended(commands[name], process) for name, process in processes.items()}
    return {name: {"status": status, "text": text[:LARGEST_TEXT]} for name, (status, text) in told.items()}


def login() -> dict[str, Any]:
    """Who is logged in, and between which addresses. sudo drops the variable: a process above still has it."""
    user = os.environ.get("SUDO_USER") or user_name(os.getuid())
    pid = os.getpid()
    with contextlib.suppress(OSError):  # processes above that are another user's
        while pid > 1:
            for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                words = entry.decode(errors="replace").removeprefix("SSH_CONNECTION=").split()
                if entry.startswith(b"SSH_CONNECTION=") and len(words) == 4:
                    return {"user": user, "client": words[0], "address": words[2], "port": int(words[3])}
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return {"user": user, "client": "", "address": "", "port": 0}


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
