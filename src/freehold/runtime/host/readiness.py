"""Whether this machine can keep runs apart without containers, and what to do where it cannot."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from freehold.base.errors import FreeholdError
from freehold.base.program import with_sudo
from freehold.runtime.engine import Readiness
from freehold.runtime.host.account import Account, look_up, require_fit
from freehold.runtime.host.allotment import NOT_ENFORCED, sudo_allows
from freehold.runtime.host.installed import launcher_problem

_SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
NOT_CONTAINED = (
    "this machine gives runs no PID namespace: they see its list of processes, and theirs are ended one by one"
)
"""Said where a run's end cannot be left to the kernel (`launcher.contain`)."""
_FIX = f"Make what is missing: {with_sudo('doctor --fix')}"


@dataclass(frozen=True)
class HostFacts:
    """`allowed`: sudo lets us be the first of the accounts. `namespaces`: a run can have a network of its own.

    `contained`: it can have a list of processes of its own. `unfit`: why runs must not be an account, and what to do.
    """

    platform: str
    root: bool
    accounts: int
    setpriv: bool
    launcher_problem: str
    allowed: bool
    namespaces: bool
    contained: bool = True
    unfit: tuple[str, str] = ("", "")


def readiness(facts: HostFacts, run_as: str) -> Readiness:
    """Pure: what the facts mean for somebody who wants to run agents."""
    problem, hint = _problem(facts, run_as)
    warnings = [NOT_ENFORCED]
    if not facts.namespaces:
        warnings.append('runs cannot have a network of their own here: only local.network = "open" works')
    elif not facts.contained:
        warnings.append(NOT_CONTAINED)
    return Readiness(not problem, facts.platform, problem, hint, tuple(warnings))


def _problem(facts: HostFacts, run_as: str) -> tuple[str, str]:
    if facts.platform != "linux":
        return "Runs as another user need Linux.", "Use Docker on this machine."
    if not facts.setpriv:
        return "setpriv is not installed.", "apt-get install util-linux"
    if not facts.accounts:
        return f"This machine has no user {run_as} for runs.", _FIX
    if facts.unfit[0]:
        return facts.unfit
    if facts.root:
        return "", ""
    if facts.launcher_problem:
        return facts.launcher_problem, _FIX
    if not facts.allowed:
        return f"sudo does not let us run agents as {run_as}.", _FIX
    return "", ""


async def look_at_host(run_as: str) -> Readiness:
    """Look, and say what it means."""
    accounts = look_up(run_as) if sys.platform == "linux" else []
    root = os.geteuid() == 0
    facts = HostFacts(
        platform=platform.system().lower(),
        root=root,
        accounts=len(accounts),
        setpriv=shutil.which("setpriv", path=_SEARCH_PATH) is not None,
        launcher_problem="" if root else launcher_problem(),
        allowed=root or (bool(accounts) and await sudo_allows(accounts[0])),
        namespaces=await can_have_namespaces(root=root),
        contained=await can_have_processes(root=root),
        unfit=_unfit(accounts),
    )
    return readiness(facts, run_as)


def _unfit(accounts: Iterable[Account]) -> tuple[str, str]:
    for account in accounts:
        try:
            require_fit(account, os.geteuid())
        except FreeholdError as error:
            return error.message, error.hint
    return "", ""


async def can_have_namespaces(*, root: bool) -> bool:
    """Whether a run can have a network of its own. Try it, as unshare(1) does for whoever asks."""
    return await _unshare("--net", "--mount") if root else await _unshare("--user", "--net", "--mount")


async def can_have_processes(*, root: bool) -> bool:
    """Whether a run can have a list of processes of its own, with the /proc that goes with it."""
    kinds = ("--pid", "--fork", "--mount-proc")
    return await _unshare(*kinds) if root else await _unshare("--user", "--map-root-user", *kinds)


async def _unshare(*kinds: str) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            "unshare", *kinds, "true", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return False
    return await process.wait() == 0
