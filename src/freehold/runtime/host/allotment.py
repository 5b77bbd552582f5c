"""Giving a host-user run its user, its directories and its programs."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import remove_tree
from freehold.base.ids import short
from freehold.base.program import with_sudo
from freehold.base.words import one_of
from freehold.runtime.host.account import LAUNCHER, Account, Way, become, begin, look_up, require_fit
from freehold.runtime.host.installed import launcher_problem
from freehold.runtime.host.lodging import Lodging, make_gate, slots_in
from freehold.runtime.host.programs import Programs, install
from freehold.runtime.host.rules import kept_for_others
from freehold.runtime.host.talk import ask
from freehold.runtime.host.tenancy import Register, choose_account, is_kept, who_keeps
from freehold.runtime.private_places import memory_base, own_directory

OPEN_TO_PASS = 0o711
SHARED_DISK = Path("/var/tmp")  # noqa: S108  survives a restart, and is not the run's private /tmp; what is ours is ours
FIRST_LENT_UID, LENT_UIDS, LENT_TRIES = 1_900_000_000, 1_000_000, 64
"""Numbers that no user database, container or systemd unit uses (systemd's UIDS-GIDS.md)."""

_CLAIMS = "claims"
NOT_ENFORCED = "memory and cpus are not enforced without containers: the run shares the machine's"


class Allotment:
    """`directory` keeps one folder for each run; `base` is where other users can pass through to what is theirs."""

    def __init__(self, directory: Path, disk: Path = SHARED_DISK) -> None:
        self._directory = directory
        self._disk = disk

    @property
    def base(self) -> Path:
        """Raises DENIED when somebody else took the name."""
        return own_directory(self._disk, f"freehold-{os.geteuid()}", OPEN_TO_PASS)

    @property
    def locks(self) -> Path:
        """One file for each user that runs; the supervisor of its run holds it."""
        return own_directory(self.base, "locks", 0o700)

    @property
    def register(self) -> Register:
        """Which slot keeps which user: our record, and the claims of all our user's projects."""
        return Register(self._records, own_directory(self.base, _CLAIMS, 0o700))

    @property
    def _records(self) -> Path:
        return self._directory / "accounts"

    def taken(self, run_as: str, uid: int) -> int:
        """How many of the users no slot of this project can have, where the keeper is the user of that number."""
        register = Register(self._records, self._disk / f"freehold-{uid}" / _CLAIMS)
        records = register.records()

        def is_taken(account: Account) -> bool:
            record = records.get(account.name)
            slot = record.slot if record else ""
            return bool(who_keeps(account, slot, record, register.claim(account), slots_in(account)))

        return sum(map(is_taken, look_up(run_as)))

    async def lodge(self, run_id: str, project: str, agent: str, slot: int, run_as: str, *, as_caller: bool) -> Lodging:
        """Where this run lives; decided once. Raises CONFIG when there is no user for it, and says how to get one."""
        folder = self._directory / run_id
        known = Lodging.load(folder)
        if known is not None:
            return known
        name = f"{project}-{agent}-{slot}"
        way, account = await self._choose(run_as, name, as_caller=as_caller)
        # Copying packages takes seconds, once for each version of ours.
        programs = await asyncio.to_thread(install, self.base, private=way is Way.CALLER)
        lodging = self._lodging(run_id, project, agent, slot, way, account, programs)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lodging.save(folder)
        await self._furnish(lodging)
        return lodging

    async def _choose(self, run_as: str, slot: str, *, as_caller: bool) -> tuple[Way, Account]:
        accounts = look_up(run_as)
        for account in accounts:
            require_fit(account, os.geteuid())
        way = Way.ROOT if os.geteuid() == 0 else Way.SUDO
        if accounts and (way is Way.ROOT or await sudo_allows(accounts[0])):
            if way is Way.SUDO and (problem := launcher_problem()):
                raise FreeholdError(
                    Code.CONFIG, problem, f"Put the right one in its place: {with_sudo('doctor --fix')}"
                )
            chosen = self._settle(accounts, slot)
            if chosen is not None:
                return way, chosen
            if not as_caller:
                raise _all_taken(self._kept(accounts, slot), slot)
        elif not as_caller:
            raise _no_user(run_as, there=bool(accounts))
        if way is Way.ROOT:
            lent = self._settle(self._lent_accounts(slot), slot)
            if lent is None:
                raise _all_taken({}, slot)
            self._make_lent_home(lent)
            return way, lent
        return Way.CALLER, self._own_account()

    def _settle(self, accounts: Sequence[Account], slot: str) -> Account | None:
        """The slot's user, from here on. None when somebody else has each of them."""
        while True:
            register = self.register
            chosen = choose_account(accounts, register.records(), self._kept(accounts, slot), slot)
            if chosen is None or register.take(chosen, slot):
                return chosen

    def _kept(self, accounts: Sequence[Account], slot: str) -> dict[str, str]:
        register = self.register
        records = register.records()
        for_others = kept_for_others("root") if os.geteuid() == 0 else {}

        def keeper(account: Account) -> str:
            home = slots_in(account) if account.known else _lent_before(account)
            return who_keeps(account, slot, records.get(account.name), register.claim(account), home)

        return {account.name: for_others.get(account.name) or keeper(account) for account in accounts}

    def _lent_accounts(self, slot: str) -> list[Account]:
        """Root can always be somebody else, if only a number: better than an agent that is root.

        Two slots may come to the same number, by chance or because somebody chose an agent's name so: hence more.
        """
        first = zlib.crc32(slot.encode())
        uids = [FIRST_LENT_UID + (first + number) % LENT_UIDS for number in range(LENT_TRIES)]
        homes = self.base / "homes"
        return [Account(f"uid-{uid}", uid, uid, homes / str(uid) / "home", known=False) for uid in uids]

    def _make_lent_home(self, account: Account) -> None:
        own_directory(own_directory(self.base, "homes", OPEN_TO_PASS), str(account.uid), OPEN_TO_PASS)
        account.home.mkdir(mode=OPEN_TO_PASS, exist_ok=True)
        os.chown(account.home, account.uid, account.gid)

    def _own_account(self) -> Account:
        home = self._directory / "home"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Account(f"uid-{os.geteuid()}", os.geteuid(), os.getegid(), home, known=False)

    def _lodging(
        self, run_id: str, project: str, agent: str, slot: int, way: Way, account: Account, programs: Programs
    ) -> Lodging:
        memory = memory_base(os.geteuid())
        disk_gate = own_directory(self.base, "runs", OPEN_TO_PASS) / run_id
        memory_gate = memory and own_directory(memory, f"freehold-{os.geteuid()}-runs", OPEN_TO_PASS) / run_id
        return Lodging(
            project=project,
            agent=agent,
            slot_number=slot,
            way=way,
            account=account.name,
            uid=account.uid,
            gid=account.gid,
            known=account.known,
            gate=str(disk_gate),
            credentials_gate=str(memory_gate or disk_gate),
            home=str(account.home),
            slot=f"{project}-{agent}-{slot}",
            scratch=f"run-{short(run_id)}",
            bin=str(programs.bin),
            interpreter=str(programs.interpreter),
            warnings=_warnings(way, account),
        )

    async def _furnish(self, lodging: Lodging) -> None:
        account = lodging.as_account()
        for gate in dict.fromkeys((lodging.gate, lodging.credentials_gate)):
            make_gate(Path(gate), lodging.way, account)
        told = {"do": "prepare", "home": lodging.home, "slot": lodging.slot, "scratch": lodging.scratch}
        action = f"No place could be made for {lodging.slot} as {account.name}"
        await ask(verbs(lodging), {**told, "exclusive": lodging.exclusive}, action)

    async def give_up(self, slot: str, run_as: str) -> None:
        """Remove a slot with what is in it, whoever keeps it. CONFLICT while a run has it."""
        way = Way.ROOT if os.geteuid() == 0 else Way.SUDO
        if (self._directory / "home" / "slots" / slot).exists():
            await asyncio.to_thread(remove_tree, self._directory / "home" / "slots" / slot)
        for account in self.keeping(slot, run_as):
            programs = await asyncio.to_thread(install, self.base, private=False)
            command = become(way, account, programs.interpreter, programs.launcher)
            told = {"do": "give_up", "home": str(account.home), "slot": slot}
            await ask(command, told, f"The workspace of {slot} could not be given up by {account.name}")
            if not account.known:
                await asyncio.to_thread(remove_tree, account.home.parent)
                (self.locks / account.name).unlink(missing_ok=True)
            self.register.give_up(account)

    def keeping(self, slot: str, run_as: str) -> list[Account]:
        """The users that a slot keeps, of those named `run_as` and those that root lends; by our records alone."""
        records = self.register.records()
        lent = self._lent_accounts(slot) if os.geteuid() == 0 else []
        return [account for account in (*look_up(run_as), *lent) if is_kept(account, records.get(account.name), slot)]


def verbs(lodging: Lodging) -> tuple[str, ...]:
    """The command that runs the launcher as the run's user."""
    launcher = Path(lodging.bin) / "freehold-launch"
    return become(lodging.way, lodging.as_account(), Path(lodging.interpreter), launcher)


def launch(lodging: Lodging) -> tuple[str, ...]:
    """The command that starts, enters and ends the run: as root where we are root, as the run's user elsewhere."""
    launcher = Path(lodging.bin) / "freehold-launch"
    return begin(lodging.way, lodging.as_account(), Path(lodging.interpreter), launcher)


def end_told(lodging: Lodging) -> dict[str, Any]:
    """What the launcher is told to end everything that the run's user does."""
    account = {"uid": lodging.uid, "gid": lodging.gid}
    return {"do": "end", "account": account, "home": lodging.home, "scratch": lodging.scratch}


async def sudo_allows(account: Account) -> bool:
    """Whether the rule of `freehold doctor --fix` is in force for us."""
    command = ("sudo", "-n", "-l", "-u", account.name, "--", str(LAUNCHER))
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return False
    return await process.wait() == 0


def _warnings(way: Way, account: Account) -> tuple[str, ...]:
    if way is Way.CALLER:
        mine = "the agent runs as your own user: it can read and change everything that you can, your keys included"
        return mine, NOT_ENFORCED
    if not account.known:
        lent = (
            f"there is no user for runs, so this one borrows the number {account.uid}: freehold doctor --fix makes one"
        )
        return lent, NOT_ENFORCED
    return (NOT_ENFORCED,)


def _no_user(run_as: str, *, there: bool) -> FreeholdError:
    problem = f"sudo does not let us run programs as {run_as}" if there else f"this machine has no user {run_as}"
    return FreeholdError(
        Code.CONFIG,
        f"Runs without Docker run as a user of their own, and {problem}.",
        f"Make what is missing: {with_sudo('doctor --fix')}",
    )


def _lent_before(account: Account) -> list[str]:
    """Its directory is ours, so that its agent cannot take it away."""
    return ["what somebody else lent it for"] if account.home.parent.exists() else []


def _all_taken(kept: Mapping[str, str], slot: str) -> FreeholdError:
    kept_by = one_of(f"{name} is for {keeper}" for name, keeper in kept.items())
    return FreeholdError(
        Code.CONFLICT,
        f"There is no user left for {slot}: each slot of each agent has one of its own ({kept_by}).",
        f"Make another: {with_sudo('doctor --fix')}",
    )
