"""The sudo rules of `freehold doctor --fix`: whose runs run as which users of this host."""

from __future__ import annotations

import re
from pathlib import Path

from freehold.runtime.host.account import LAUNCHER

SUDOERS = Path("/etc/sudoers.d")
_RULE = re.compile(rf'^(\S+) ALL=\(([^)]*)\) NOPASSWD: {re.escape(str(LAUNCHER))} ""$', re.MULTILINE)


def keepers_of(text: str) -> dict[str, str]:
    """The person that a rule is for, by the name of each user that it names. Pure."""
    return {account: keeper for keeper, accounts in _RULE.findall(text) for account in accounts.split(", ")}


def kept_for_others(keeper: str, directory: Path = SUDOERS) -> dict[str, str]:
    """Whom each user of a rule is for, `keeper` apart: that person can be that user at any time, and read what is its.

    Only root can read rules; everybody else is told of none.
    """
    found: dict[str, str] = {}
    try:
        for path in sorted(directory.glob("freehold-*")):
            found |= keepers_of(path.read_text())
    except OSError:
        return {}
    return {account: other for account, other in found.items() if other != keeper}
