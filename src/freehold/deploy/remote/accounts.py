"""Users, groups and folders of a project on a server."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import subprocess
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused

LOCK_S = 20.0
"""Others change users, too: packages that are just being installed, for one."""


def read(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "users": {name: user(name) for name in asked["users"]},
        "groups": {name: members(name) for name in asked["groups"]},
        "folders": {path: folder(path) for path in asked["folders"]},
        "person_from": person_from(),
    }


def main(document: dict[str, Any]) -> None:
    """Each is done if it is still to be done."""
    for step in document["steps"]:
        if step["do"] == "folder":
            make_folder(step)
        elif not is_done(step):
            changed(step["argv"])


def user(name: str) -> dict[str, Any] | None:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    try:
        group = grp.getgrgid(found.pw_gid).gr_name
    except KeyError:
        group = ""
    return {
        "uid": found.pw_uid, "group": group, "comment": found.pw_gecos, "home": found.pw_dir, "shell": found.pw_shell
    }  # fmt: skip


def members(name: str) -> list[str] | None:
    try:
        return grp.getgrnam(name).gr_mem
    except KeyError:
        return None


def folder(path: str) -> dict[str, Any] | None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    return {
        "is_folder": stat.S_ISDIR(status.st_mode),
        "mode": stat.S_IMODE(status.st_mode),
        "owner": named(pwd.getpwuid, status.st_uid),
        "group": named(grp.getgrgid, status.st_gid),
    }


def named(find: Any, number: int) -> str:
    try:
        return str(find(number)[0])
    except KeyError:
        return str(number)


def person_from() -> int:
    """The first number of people's accounts: login.defs(5), "UID_MIN"."""
    try:
        with open("/etc/login.defs", encoding="utf-8", errors="replace") as file:
            for line in file:
                words = line.split()
                if len(words) > 1 and words[0] == "UID_MIN" and words[1].isdigit():
                    return int(words[1])
    except FileNotFoundError:
        pass
    return 1000


def is_done(step: dict[str, Any]) -> bool:
    if step["do"] == "group":
        return members(step["name"]) is not None
    if step["do"] == "user":
        return user(step["name"]) is not None
    return step["name"] in (members(step["group"]) or ())


def changed(argv: list[str]) -> None:
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        except FileNotFoundError:
            raise Refused("failed", f"there is no {argv[0]} on the server", "Debian has it in `passwd`.") from None
        if done.returncode == 0:
            return
        if time.monotonic() >= deadline:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise Refused("failed", f"{argv[0]}: {said[-1] if said else done.returncode}")
        time.sleep(0.5)


def make_folder(step: dict[str, Any]) -> None:
    """Never through a link: whoever could put one there would be given what it leads to."""
    path = step["path"]
    if not os.path.lexists(path):
        os.mkdir(path, 0o700)
    try:
        there = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise Refused("conflict", f"{path} is no folder ({error.strerror})", "Move it away.") from None
    try:
        os.fchown(there, pwd.getpwnam(step["owner"]).pw_uid, grp.getgrnam(step["group"]).gr_gid)
        os.fchmod(there, step["mode"])
    finally:
        os.close(there)
