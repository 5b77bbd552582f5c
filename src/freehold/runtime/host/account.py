"""The other users of this host as whom runs run, and the ways to become one of them. Pure, but for `look_up`."""

from __future__ import annotations

import grp
import pwd
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.program import with_sudo
from freehold.base.words import one_of

LAUNCHER = Path("/usr/local/libexec/freehold-launch")
"""The one program that sudo lets the keeper run as another user: root's, and nobody else's to change."""
DEFAULT_RUN_AS = "freehold-agent"
HOMES = Path("/var/lib")
OWN = "own"
"""The part of a user's home that is its own. The home is root's: sshd, mail and systemd heed what lies in a home, and
nobody's agent is to let anybody in."""
MOST_ACCOUNTS = 64

_NO_LOGIN = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false")
ROOT_EQUIVALENT = frozenset(
    {
        "root",
        "sudo",
        "wheel",
        "admin",
        "staff",
        "docker",
        "lxd",
        "incus",
        "incus-admin",
        "libvirt",
        "disk",
        "shadow",
        "kmem",
    }
)
"""Groups whose members can become root: no agent is ever in one of them."""


class Way(StrEnum):
    """How the keeper becomes the run's user."""

    ROOT = "root"
    SUDO = "sudo"
    CALLER = "caller"


@dataclass(frozen=True)
class Account:
    """A user of this host. `known`: it is in the user database; else it is a number that root lent for a demo.

    `home` is what is the user's own; `housed`: it is there, and what is around it is root's.
    """

    name: str
    uid: int
    gid: int
    home: Path
    shell: str = _NO_LOGIN[0]
    groups: tuple[str, ...] = ()
    known: bool = True
    housed: bool = True


def account_names(run_as: str, count: int) -> list[str]:
    """`run_as`, `run_as-2`, … : one for each run that may be under way at the same time."""
    return [run_as if number == 1 else f"{run_as}-{number}" for number in range(1, count + 1)]


def look_up(run_as: str) -> list[Account]:
    """The users of that name that there are, in order; the first gap ends the list."""
    return list(_looked_up(run_as))


def _looked_up(run_as: str) -> Iterator[Account]:
    for name in account_names(run_as, MOST_ACCOUNTS):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            return
        mine = (group for group in grp.getgrall() if name in group.gr_mem or group.gr_gid == entry.pw_gid)
        groups = tuple(sorted(group.gr_name for group in mine))
        home = Path(entry.pw_dir, OWN)
        housed = _is_housed(home, entry.pw_uid)
        yield Account(name, entry.pw_uid, entry.pw_gid, home, entry.pw_shell, groups, housed=housed)


def _is_housed(home: Path, uid: int) -> bool:
    try:
        around, own = home.parent.lstat(), home.lstat()
    except OSError:
        return False
    roots = stat.S_ISDIR(around.st_mode) and around.st_uid == 0 and not around.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return roots and stat.S_ISDIR(own.st_mode) and own.st_uid == uid


def require_fit(account: Account, keeper_uid: int, wanted_groups: Sequence[str] = ()) -> None:
    """Raises CONFIG when a run must not be this user: root, ourselves, a person, or somebody who can become root."""
    problem, hint = _unfit(account, keeper_uid, wanted_groups)
    if problem:
        raise FreeholdError(Code.CONFIG, f"Runs cannot run as {account.name}: {problem}.", hint)


def _unfit(account: Account, keeper_uid: int, wanted_groups: Sequence[str]) -> tuple[str, str]:
    powerful = sorted(ROOT_EQUIVALENT.intersection((*account.groups, *wanted_groups)))
    missing = [group for group in wanted_groups if group not in account.groups]
    if account.uid in (0, keeper_uid):
        return "that is the keeper's own user", "Set run_as to another user: freehold doctor --fix makes one."
    if account.shell not in _NO_LOGIN:
        return (
            "somebody can log in as it, and the end of a run ends every process of its user",
            f"Set run_as to a user of its own, or: sudo usermod --shell {_NO_LOGIN[0]} {account.name}",
        )
    if not account.housed:
        return (
            f"{account.home.parent} has to be root's, since sshd lets in whom a home names, and {account.home} its own",
            f"Make it so: {with_sudo('doctor --fix')}",
        )
    if powerful:
        return (
            f"the group {one_of(powerful)} is as good as root",
            f"sudo gpasswd --delete {account.name} {powerful[0]}, and take it from `groups` in the agent's config.toml",
        )
    if missing:
        return (
            f"it is not in the group {one_of(missing)} that the agent asks for",
            f"sudo usermod --append --groups {','.join(missing)} {account.name}",
        )
    return "", ""


def become(way: Way, account: Account, interpreter: Path, launcher: Path) -> tuple[str, ...]:
    """The command that runs the launcher as `account`, with no right beyond the account's own."""
    ours = (str(interpreter), "-I", "-S", str(launcher))
    match way:
        case Way.ROOT:
            groups = "--init-groups" if account.known else "--clear-groups"
            ids = (f"--reuid={account.uid}", f"--regid={account.gid}", groups)
            return ("setpriv", *ids, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--", *ours)
        case Way.SUDO:
            return ("sudo", "-n", "-u", account.name, "--", str(LAUNCHER))
        case Way.CALLER:
            return ours


def begin(way: Way, account: Account, interpreter: Path, launcher: Path) -> tuple[str, ...]:
    """The command that starts a run: where we are root, namespaces come first and the launcher steps down itself."""
    as_whom = Way.CALLER if way is Way.ROOT else way
    return become(as_whom, account, interpreter, launcher)


def sudo_rule(keeper: str, accounts: Sequence[str]) -> str:
    """The sudoers file: one user may run one program as these users, without arguments and without its environment."""
    return (
        "# Made by `freehold doctor --fix`. It lets the keeper start agents as users without rights of their own,\n"
        "# through one program that only root can change. It gives no way to root.\n"
        f"Defaults!{LAUNCHER} env_reset, !requiretty, umask=0077, umask_override\n"
        f'{keeper} ALL=({", ".join(accounts)}) NOPASSWD: {LAUNCHER} ""\n'
    )
