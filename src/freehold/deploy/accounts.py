"""A project's users on a server, and its folders with their owners.

Two users, neither of which anybody logs in as: the gateway's, and the keeper's, which alone may use Docker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.server.layout import BASE, CONFIGURATION, EDGE_FRAGMENTS, PROGRAMS, STATE_BASE, Layout

DOCKER_GROUP = "docker"
_NO_SHELL, _NO_HOME = "/usr/sbin/nologin", "/nonexistent"


@dataclass(frozen=True)
class Folder:
    """One that is `shared` with others is made where there is none, and else left as it is."""

    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755
    shared: bool = False


class _User(msgspec.Struct, frozen=True):
    uid: int
    group: str
    comment: str
    home: str
    shell: str


class _FolderThere(msgspec.Struct, frozen=True):
    is_folder: bool
    mode: int
    owner: str
    group: str


class _Facts(msgspec.Struct, frozen=True):
    """None stands for what there is not; `person_from` is the first number of people's accounts."""

    users: dict[str, _User | None]
    groups: dict[str, list[str] | None]
    folders: dict[str, _FolderThere | None]
    person_from: int


def folders(layout: Layout) -> Sequence[Folder]:
    """All of a project's that are there before it, each after the one it lies in. What both users need to find is
    root's, so that neither can put something else in the other's place."""
    user, keeper = layout.user, layout.keeper_user
    return (
        *(Folder(path, shared=layout.base != BASE) for path in _above(layout.base)),
        Folder(f"{layout.base}/{PROGRAMS}"),
        Folder(layout.root),
        Folder(layout.releases, group=user, mode=0o750),
        Folder(STATE_BASE),
        Folder(layout.state, group=user, mode=0o750),
        Folder(layout.gateway_state, user, user, 0o750),
        Folder(layout.keeper_state, keeper, user, 0o750),
        Folder(layout.gateway_home, user, user, 0o700),
        Folder(layout.keeper_home, keeper, user, 0o700),
        Folder(CONFIGURATION),
        Folder(EDGE_FRAGMENTS),
    )


def _above(base: str) -> Sequence[str]:
    """The base alone where it is the usual one: what it lies in is there on every server."""
    parts = base.strip("/").split("/")
    return [f"/{'/'.join(parts[:length])}" for length in range(2, len(parts) + 1)] or [base]


class AccountsPart:
    """`Part`. The users' comment names the project: a user of the same name without it is somebody else's."""

    name = "accounts"

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._comment = f"freehold project {layout.project}"

    @property
    def remote(self) -> str:
        return program_text("accounts")

    def asked(self) -> Mapping[str, Any]:
        layout = self._layout
        return {
            "users": (layout.user, layout.keeper_user),
            "groups": (layout.user, DOCKER_GROUP),
            "folders": [folder.path for folder in folders(layout)],
        }

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        """Raises CONFLICT where a name is taken, and where a folder's is."""
        told = msgspec.json.decode(facts, type=_Facts)
        return [*self._groups(told), *self._users(told), *self._folders(told)]

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        steps = [change.document for change in changes]
        await run_script(host, self.name, self.remote, {"steps": steps}, type(None), as_root=True)

    def _groups(self, facts: _Facts) -> Sequence[Change]:
        missing = [name for name in (self._layout.user, DOCKER_GROUP) if facts.groups.get(name) is None]
        return [
            _change("group", f"make the group {name}", name, "groupadd", "--system", "--", name) for name in missing
        ]

    def _users(self, facts: _Facts) -> Sequence[Change]:
        layout, changes = self._layout, list[Change]()
        for name in (layout.user, layout.keeper_user):
            there = facts.users.get(name)
            if there is None:
                changes.append(self._new_user(name))
            else:
                self._require_ours(name, there, facts.person_from)
        if layout.keeper_user not in (facts.groups.get(DOCKER_GROUP) or ()):
            add = ("usermod", "--append", "--groups", DOCKER_GROUP, "--", layout.keeper_user)
            what = f"let {layout.keeper_user} use Docker"
            joined = _change("member", what, layout.keeper_user, *add)
            changes.append(Change(joined.what, (), {**joined.document, "group": DOCKER_GROUP}))
        return changes

    def _new_user(self, name: str) -> Change:
        words = ("--system", "--no-create-home", "--home-dir", _NO_HOME, "--shell", _NO_SHELL)
        argv = ("useradd", *words, "--gid", self._layout.user, "--comment", self._comment, "--", name)
        return _change("user", f"make the user {name}, which nobody logs in as", name, *argv)

    def _require_ours(self, name: str, there: _User, person_from: int) -> None:
        hint = "Rename the project (`projectName` in its .env.toml), or that account."
        if there.uid >= person_from or there.uid == 0:
            raise FreeholdError(Code.CONFLICT, f"the user {name} on the server is a person's account", hint)
        if there.comment != self._comment:
            whose = f'its comment is "{there.comment}", and not "{self._comment}"'
            raise FreeholdError(Code.CONFLICT, f"the user {name} on the server is somebody else's: {whose}", hint)
        if there.shell.rsplit("/", 1)[-1] not in ("nologin", "false"):
            raise FreeholdError(
                Code.CONFLICT,
                f"the user {name} on the server may log in (its shell is {there.shell})",
                f"usermod --shell {_NO_SHELL} {name}",
            )

    def _folders(self, facts: _Facts) -> Sequence[Change]:
        changes = []
        for wanted in folders(self._layout):
            there = facts.folders.get(wanted.path)
            if there and not there.is_folder:
                raise FreeholdError(Code.CONFLICT, f"{wanted.path} on the server is no folder", "Move it away.")
            if there and (wanted.shared or wanted.path == self._layout.root):
                _require_roots(wanted, there)
            if there is None:
                what = f"make the folder {wanted.path}"
            elif wanted.shared:
                continue
            elif (there.owner, there.group, there.mode) != (wanted.owner, wanted.group, wanted.mode):
                what = f"set owner and mode of {wanted.path}"
            else:
                continue
            document = {
                "do": "folder", "path": wanted.path, "owner": wanted.owner, "group": wanted.group, "mode": wanted.mode
            }  # fmt: skip
            changes.append(Change(f"{what} ({wanted.owner}:{wanted.group} {wanted.mode:04o})", (), document))
        return changes


def _require_roots(wanted: Folder, there: _FolderThere) -> None:
    """Whoever else owns or writes to a folder could put something of his own in the place of what is in it; and who has
    it already is not to lose it."""
    if there.owner != "root" or there.mode & 0o022:
        whose = f"it belongs to {there.owner}" if there.owner != "root" else "others than root may write to it"
        raise FreeholdError(
            Code.CONFLICT,
            f"{wanted.path} on the server cannot hold what root runs: {whose}",
            "Choose another `basePath` in the [server] of the environment, or another name for the project.",
        )
    if wanted.shared and not there.mode & 0o001:
        raise FreeholdError(
            Code.CONFLICT,
            f"{wanted.path} on the server is closed to the project's users",
            f"chmod o+x {wanted.path}, if you want to",
        )


def _change(do: str, what: str, name: str, *argv: str) -> Change:
    return Change(what, (), {"do": do, "name": name, "argv": argv})
