"""`freehold doctor --fix` for runs without Docker: the users, the launcher, and the one sudo rule. Needs root."""

from __future__ import annotations

import asyncio
import grp
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.program import with_sudo
from freehold.runtime.host import launcher
from freehold.runtime.host.account import HOMES, LAUNCHER, OWN, ROOT_EQUIVALENT, account_names, look_up, sudo_rule
from freehold.runtime.host.installed import launcher_problem
from freehold.runtime.host.rules import SUDOERS, kept_for_others

_HOME_MODE = "0711"
"""Others may pass through to what they know the name of, and list nothing."""
_RULE_MODE, _PROGRAM_MODE, _DIRECTORY_MODE = 0o440, 0o755, 0o755
_NAME = re.compile(r"^[a-z_][a-z0-9_-]{0,30}$")
_SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Wanted:
    """`count` runs at a time as `run_as`, `run_as-2` …, in `groups`, kept by the user `keeper` (root needs no rule)."""

    run_as: str
    count: int
    keeper: str
    groups: tuple[str, ...] = ()

    @property
    def accounts(self) -> list[str]:
        return account_names(self.run_as, self.count)

    @property
    def rule_file(self) -> Path:
        return SUDOERS / f"freehold-{self.keeper}-{self.run_as}"


@dataclass(frozen=True)
class Action:
    """One thing to do, told to the person first: a command, or a file to write."""

    told: str
    command: tuple[str, ...] = ()
    path: Path = field(default=Path())
    content: bytes = b""
    mode: int = 0


def missing(
    wanted: Wanted,
    there: Collection[str],
    rule: str,
    launcher_is_right: bool,
    for_others: Mapping[str, str],
    unhoused: Collection[str] = (),
) -> list[Action]:
    """What is to be done; `there` are the accounts that exist, `rule` the text of the rule file. Pure.

    `unhoused`: which of them have no home of ours that is as it should be; `for_others`: for whom else accounts are.
    Raises CONFIG for those, and for names and groups that no agent may have.
    """
    _require_sense(wanted)
    for name in wanted.accounts:
        if name in for_others:
            raise FreeholdError(
                Code.CONFIG,
                f"The user {name} is for the runs of {for_others[name]}, who can read all that is given to it.",
                f"Set run_as to another name in each agent's config.toml, for example freehold-{wanted.keeper}.",
            )
    actions = [_create(name, wanted.groups) for name in wanted.accounts if name not in there]
    actions += [action for name in wanted.accounts if name not in there or name in unhoused for action in _house(name)]
    if wanted.keeper == "root":
        return actions
    if not launcher_is_right:
        content = Path(launcher.__file__).read_bytes()
        actions.append(Action(f"install {LAUNCHER}", path=LAUNCHER, content=content, mode=_PROGRAM_MODE))
    # A project that wants fewer of them takes none from another project's rule.
    accounts = [*wanted.accounts, *sorted(set(there).difference(wanted.accounts))]
    text = sudo_rule(wanted.keeper, accounts)
    if rule != text:
        told = f"let {wanted.keeper} start runs as {', '.join(accounts)} ({wanted.rule_file})"
        actions.append(Action(told, path=wanted.rule_file, content=text.encode(), mode=_RULE_MODE))
    return actions


def _require_sense(wanted: Wanted) -> None:
    for name in (*wanted.accounts, wanted.keeper):
        if not _NAME.match(name):
            raise FreeholdError(
                Code.CONFIG, f'"{name}" is not a name for a user.', "Use a-z, 0-9, _ and -, at most 31."
            )
    powerful = sorted(ROOT_EQUIVALENT.intersection(wanted.groups))
    if powerful:
        raise FreeholdError(
            Code.CONFIG,
            f"No agent is put into the group {powerful[0]}: it is as good as root.",
            "Remove it from `groups`.",
        )


_FIRST, _LAST = 60706, 61183
_NUMBERS = tuple(
    word for key in ("UID", "GID") for word in ("-K", f"SYS_{key}_MIN={_FIRST}", "-K", f"SYS_{key}_MAX={_LAST}")
)
"""Ids that systemd's table of users and groups leaves to nobody. Usual ones (999 and below) are also those of users in
containers of this machine, whose processes would be taken for the run's own, and it would be refused."""


def _create(name: str, groups: Sequence[str]) -> Action:
    more = ("--groups", ",".join(groups)) if groups else ()
    user = (
        "useradd", "--system", *_NUMBERS, "--user-group", "--no-create-home", "--home-dir", str(HOMES / name),
        "--shell", "/usr/sbin/nologin", "--comment", "Freehold runs", *more, name,
    )  # fmt: skip
    return Action(f"make the user {name}", user)


def _house(name: str) -> list[Action]:
    """The home first, from which on nobody but root puts anything into it; and no link is followed to what it means."""
    home, own = HOMES / name, HOMES / name / OWN
    around = ("install", "--directory", "--owner", "root", "--group", "root", "--mode", _HOME_MODE, str(home))
    make = ("mkdir", "--parents", "--mode", _HOME_MODE, str(own))
    give = ("chown", "--no-dereference", f"{name}:{name}", str(own))
    return [Action(f"make {home}", around), Action(f"make {own}", make), Action(f"give {name} {own}", give)]


def plan(wanted: Wanted) -> list[Action]:
    """What is missing on this machine, as it is now. Reading the rule needs root."""
    try:
        rule = wanted.rule_file.read_text()
    except OSError:
        rule = ""
    accounts = look_up(wanted.run_as)
    there = {account.name for account in accounts}
    unhoused = {it.name for it in accounts if not it.housed and it.home.parent == HOMES / it.name}
    absent = [group for group in wanted.groups if not _group_exists(group)]
    if absent:
        raise FreeholdError(
            Code.CONFIG,
            f"This machine has no group {absent[0]}, which an agent asks for.",
            f"sudo groupadd {absent[0]}",
        )
    for_others = kept_for_others(wanted.keeper)
    return missing(wanted, there, rule, not launcher_problem(), for_others, unhoused)


async def fix(wanted: Wanted) -> list[str]:
    """Do what is missing; what was done, in words. Raises DENIED without root, FAILED with a program's own words."""
    if os.geteuid() != 0:
        raise FreeholdError(Code.DENIED, "Only root can make users.", f"Run: {with_sudo('doctor --fix')}")
    actions = plan(wanted)
    for action in actions:
        if action.command:
            await _run(action.command)
        else:
            await _write(action)
    return [action.told for action in actions]


async def _write(action: Action) -> None:
    """In one step, and a sudo rule only after visudo has read it: a rule with a mistake locks everybody out of sudo."""
    action.path.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    fresh = action.path.with_name(f".{action.path.name}.new")  # sudo passes over names with a dot
    fresh.write_bytes(action.content)
    os.chown(fresh, 0, 0)
    fresh.chmod(action.mode)
    try:
        if action.path.parent == SUDOERS:
            await _run(("visudo", "--check", "--quiet", "--file", str(fresh)))
        fresh.replace(action.path)
    finally:
        fresh.unlink(missing_ok=True)


async def _run(command: tuple[str, ...]) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": _SEARCH_PATH, "LC_ALL": "C.UTF-8"},
        )
    except OSError as error:
        raise FreeholdError(
            Code.FAILED, f"{command[0]}: {error.strerror}", "Install sudo and passwd: apt-get install sudo passwd"
        ) from error
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise FreeholdError(
            Code.FAILED, f"{' '.join(command)} failed: {output.decode(errors='replace').strip()}", "See what it says."
        )


def _group_exists(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True
