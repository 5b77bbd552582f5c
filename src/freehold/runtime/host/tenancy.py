"""Which slot keeps which user of this host: the keeper's own word for it, which nothing that an agent does can change.

A user's home belongs to its agent, who can put into it what it likes, and take out what was there. So a home is looked
at only to see that a user is *not* free.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory, write_atomically
from freehold.runtime.host.account import Account

SOMEBODY_ELSES = "agents of another project"


class Tenancy(msgspec.Struct, frozen=True):
    """A user that a slot keeps. `key` is the same in a project's record and in the claim that other projects see."""

    slot: str
    uid: int
    key: str

    def is_of(self, account: Account) -> bool:
        """Not when the user was removed, and another one made by its name."""
        return self.uid == account.uid


def is_kept(account: Account, record: Tenancy | None, slot: str) -> bool:
    """Whether our record says that the slot keeps the account."""
    return record is not None and record.is_of(account) and record.slot == slot


def who_keeps(account: Account, slot: str, record: Tenancy | None, claim: Tenancy | None, home: Iterable[str]) -> str:
    """Who but `slot` has the account, for a person to read; the empty string when `slot` can have it. Pure.

    `home` are the slots that lie in its home, whoever put them there.
    """
    ours = record if record and record.is_of(account) else None
    if claim and claim.is_of(account) and (ours is None or claim.key != ours.key):
        return SOMEBODY_ELSES
    if ours:
        return "" if ours.slot == slot else ours.slot
    return ", ".join(home)


def choose_account(
    accounts: Iterable[Account], records: Mapping[str, Tenancy], kept: Mapping[str, str], slot: str
) -> Account | None:
    """The user for a slot: the one that our record says it keeps, else one that nobody does. `kept`: `who_keeps`.

    A user is one slot's for good: what one agent left in its workspace is never another agent's to read.
    """
    open_to_it = [account for account in accounts if not kept[account.name]]
    its_own = [account for account in open_to_it if is_kept(account, records.get(account.name), slot)]
    return next(iter((*its_own, *open_to_it)), None)


class Register:
    """A project's records, and the claims of all projects of the keeper's user. Both are that user's alone.

    A record is what counts, and is kept for ever. A claim keeps other projects off; it lies where systems remove what
    was not used for a month, and is made again by the next run of its slot, unless another project was faster.
    """

    def __init__(self, records: Path, claims: Path) -> None:
        self._records = records
        self._claims = claims

    def records(self) -> dict[str, Tenancy]:
        """By the account's name. Raises INTERNAL, naming the file, when one cannot be read: guessing would be wrong."""
        names = os.listdir(self._records) if self._records.is_dir() else []  # noqa: PTH208  names are all it takes
        return {name: self._record(name) for name in sorted(names) if not name.startswith(".")}

    def _record(self, name: str) -> Tenancy:
        path = self._records / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=Tenancy)
        except (OSError, msgspec.DecodeError) as error:
            raise FreeholdError(
                Code.INTERNAL,
                f"{path}: {error}",
                f"It says which agent the user {name} belongs to. Remove that user's home, then this file.",
            ) from error

    def claim(self, account: Account) -> Tenancy | None:
        """What cannot be read is somebody else's claim."""
        try:
            return msgspec.json.decode((self._claims / account.name).read_bytes(), type=Tenancy)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError):
            return Tenancy("", account.uid, "")

    def take(self, account: Account, slot: str) -> bool:
        """Write down that the slot keeps the account. False when another project was faster.

        The record comes first: one without a claim is only a claim to be made again, while nobody would know whose a
        claim without a record is. May be repeated, also after a crash at any point.
        """
        make_private_directory(self._records)
        record = self.records().get(account.name)
        if record is None or not is_kept(account, record, slot):
            record = Tenancy(slot, account.uid, os.urandom(16).hex())
            write_atomically(self._records / account.name, msgspec.json.encode(record))
        claim = self.claim(account)
        if claim is not None and not claim.is_of(account):
            (self._claims / account.name).unlink(missing_ok=True)
        if claim is None or not claim.is_of(account):
            _write_unless_there(self._claims / account.name, msgspec.json.encode(record))
            claim = self.claim(account)
        if claim != record:
            (self._records / account.name).unlink()
            return False
        os.utime(self._claims / account.name)
        return True

    def give_up(self, account: Account) -> None:
        """The account is anybody's again. Its home is to be empty by now."""
        claim, record = self.claim(account), self.records().get(account.name)
        if claim is not None and claim == record:
            (self._claims / account.name).unlink(missing_ok=True)
        (self._records / account.name).unlink(missing_ok=True)


def _write_unless_there(path: Path, data: bytes) -> None:
    """In one step, and by one of those who try at the same moment."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            return
    finally:
        Path(name).unlink()
