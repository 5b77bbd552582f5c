"""On a server: the credentials of a project, in the homes of its two users.

Each home is its user's own, who could put a link in the place of a folder: root follows none there, because the work is
done as that user.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import pwd
import re
import stat
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from freehold.deploy.remote.refused import Refused

FOLDER = "credentials"
LARGEST = 1 << 20
MOST = 2000
"""Files that are looked at: whose home it is could put there more than anybody reads in time."""
NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9@._-]*/){2}[A-Za-z0-9][A-Za-z0-9@._-]*")
"""Of what Freehold itself puts there; nothing else is told."""


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """`places` are homes by the name of their place, with user and group; `key` is good for this once. What is in each
    home, and which credentials the releases say that they may need."""
    return {
        "places": {
            name: as_user(place, partial(seen, place["home"], asked["key"]))
            for name, place in asked["places"].items()
            if exists(place["user"])
        },
        "listed": {path.parts[-3]: listed(path) for path in Path(asked["releases"]).glob("*/.freehold/release.json")},
    }


def main(document: dict[str, Any]) -> None:
    """`write` are values by path below the credentials, `remove` paths; of each place."""
    for place in document["places"]:
        if not exists(place["user"]):
            raise Refused("failed", f"the server has no user {place['user']}", "Push again.")
        as_user(place, partial(change, place))


def seen(home: str, key: str) -> dict[str, Any]:
    """Each file by its path; its content told by a digest that is worth nothing without the key."""
    root, found = Path(home, FOLDER), {}
    for path in sorted(islice(root.glob("*/*/*"), MOST)):
        name = str(path.relative_to(root))
        if NAME.fullmatch(name) and (told := content_of(path)):
            content, mode = told
            digest = hmac.new(bytes.fromhex(key), content, hashlib.sha256).hexdigest()
            found[name] = {"digest": digest, "mode": mode}
    return found


def content_of(path: Path) -> tuple[bytes, int] | None:
    """With its mode; None for what is no file. Whose home it is may have put a pipe there, or what fills the memory."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            return (file.read(LARGEST), stat.S_IMODE(mode)) if stat.S_ISREG(mode) else None
    except OSError:
        return None


def change(place: dict[str, Any]) -> None:
    root = Path(place["home"], FOLDER)
    for name, value in place["write"].items():
        write(root / name, value)
    for name in place["remove"]:
        path = root / name
        path.unlink(missing_ok=True)
        for folder in (path.parent, path.parent.parent):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def write(path: Path, value: str) -> None:
    """In one step: who reads it reads the old value or the new one."""
    for folder in (path.parent.parent.parent, path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def listed(path: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(path.read_text())["credentials"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def as_user(place: dict[str, Any], do: Callable[[], Any]) -> Any:
    """What `do` returns, done by a process of that user without any further group. Its faults say where and why, and
    nothing of what was to be written. Its effective user alone is theirs: so their other processes, which may be
    somebody else's by now, cannot end it (kill(2)), nor look into it (ptrace(2))."""
    account = pwd.getpwnam(place["user"])
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        told: dict[str, Any] = {"error": ["failed", "it ended early"]}
        try:
            os.umask(0o077)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(account.pw_gid)
                os.seteuid(account.pw_uid)
            told = {"answer": do()}
        except OSError as error:
            code = "disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "failed"
            told = {"error": [code, f"{error.filename or place['home']}: {error.strerror}"]}
        except Exception as error:  # its words could hold a value
            told = {"error": ["failed", f"{place['home']}: {type(error).__name__}"]}
        finally:
            os.close(reading)
            with os.fdopen(writing, "w") as pipe:
                json.dump(told, pipe)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    told = json.loads(said) if said else {"error": ["failed", f"{place['home']}: no answer"]}
    if "error" in told:
        raise Refused(told["error"][0], f"credentials: {told['error'][1]}")
    return told["answer"]
