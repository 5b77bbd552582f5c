"""Where a host-user run lives: which user it is, what that user is given, and the directories only it can enter."""

from __future__ import annotations

import errno
import itertools
import os
import struct
from pathlib import Path

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_DIRECTORY, write_atomically
from freehold.runtime.engine import Inside, Place
from freehold.runtime.host.account import Account, Way

LODGING_FILE = "place.json"

_GROUP_ONLY = 0o710
_NAMES_SHOWN = 3
_ACCESS_LIST = "system.posix_acl_access"
_ACL_VERSION = 2
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_ENTER = 0o1
_NOBODY = 0xFFFFFFFF


class Lodging(msgspec.Struct, frozen=True, kw_only=True):
    """What `place` decided for one run, kept until `remove`. Paths are on this host.

    `gate` and `credentials_gate` hold what the run may read; their rights let its user in and nobody else. `home` is
    the account's; `slot` and `scratch` are names in it.
    """

    project: str
    agent: str
    slot_number: int
    way: Way
    account: str
    uid: int
    gid: int
    known: bool
    gate: str
    credentials_gate: str
    home: str
    slot: str
    scratch: str
    bin: str
    interpreter: str
    warnings: tuple[str, ...] = ()

    @property
    def exclusive(self) -> bool:
        """Whether the user is for this run alone, so that ending its processes ends the run and nothing else."""
        return self.way is not Way.CALLER

    @property
    def private_tmp(self) -> bool:
        """Whether /tmp can be the run's own: not for the caller, whose project and home may lie in it."""
        return self.exclusive and not Path(self.home).is_relative_to("/tmp")  # noqa: S108  the name of the place itself

    @property
    def scratch_directory(self) -> str:
        return f"{self.home}/{self.scratch}"

    def slot_directory(self, part: str) -> str:
        return f"{self.home}/slots/{self.slot}/{part}"

    def as_account(self) -> Account:
        return Account(self.account, self.uid, self.gid, Path(self.home), known=self.known)

    def place(self) -> Place:
        gate = self.gate
        inside = Inside(
            run_dir=f"{gate}/mount",
            agent_dir=f"{gate}/agent",
            shared_dir=f"{gate}/shared",
            credentials_dir=f"{self.credentials_gate}/credentials",
            workspace_dir=self.slot_directory("workspace"),
            working_dir=self.scratch_directory,
            home_dir=self.slot_directory("home"),
            bin_dir=self.bin,
        )
        return Place(inside, Path(gate), Path(self.credentials_gate), self.uid, self.warnings)

    def save(self, directory: Path) -> None:
        write_atomically(directory / LODGING_FILE, msgspec.json.encode(self))

    @classmethod
    def load(cls, directory: Path) -> Lodging | None:
        """None when there is none. Raises INTERNAL, naming the file, when it cannot be read as one."""
        path = directory / LODGING_FILE
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise FreeholdError(Code.INTERNAL, f"{path}: {error}", f"Remove {directory} if no run needs it.") from error


def slots_in(account: Account) -> list[str]:
    """The slots in an account's home, a few of them by name. Its agent can make others appear, and these disappear."""
    try:
        with os.scandir(account.home / "slots") as entries:
            return sorted(entry.name for entry in itertools.islice(entries, _NAMES_SHOWN))
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"nobody knows whom: {error.strerror}"]


def make_gate(path: Path, way: Way, account: Account) -> None:
    """A directory of ours that `account` can pass through and no other user can.

    It has an access list (acl(5)), as every Linux file system can that is worth running agents on. Where one cannot,
    root gives the directory to the account's group. Raises DISK when neither can be had.
    """
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        path.chmod(PRIVATE_DIRECTORY)
        if way is not Way.CALLER:
            _let_in(path, way, account)
    except OSError as error:
        raise FreeholdError(
            Code.DISK,
            f"{path} could not be opened to {account.name}: {error.strerror}",
            "The file system must be able to hold access lists (acl); or run the keeper as root, or use Docker.",
        ) from error


def _let_in(path: Path, way: Way, account: Account) -> None:
    try:
        os.setxattr(path, _ACCESS_LIST, access_list(account.uid))
    except OSError as error:
        if way is not Way.ROOT or error.errno != errno.ENOTSUP:
            raise
        os.chown(path, os.geteuid(), account.gid)
        path.chmod(_GROUP_ONLY)


def access_list(uid: int) -> bytes:
    """`u::rwx,u:UID:--x,g::---,m::--x,o::---` in the kernel's form (linux/posix_acl_xattr.h)."""
    entries = (
        (_USER_OBJ, 0o7, _NOBODY),
        (_USER, _ENTER, uid),
        (_GROUP_OBJ, 0o0, _NOBODY),
        (_MASK, _ENTER, _NOBODY),
        (_OTHER, 0o0, _NOBODY),
    )
    return struct.pack("<I", _ACL_VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
