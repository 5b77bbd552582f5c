"""The steps of a push, in their order."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """What a push does on a server, one after the other. A part is carried out at the step of its name.

    Up to `UNITS` nothing that runs is touched: the release before serves. From `SWITCH` on the new one counts, and
    whatever fails from there to `HEALTH` brings the release before back.
    """

    LEASE = "lease"
    ACCOUNTS = "accounts"
    PACKAGES = "packages"
    SSH = "ssh"
    FAIL2BAN = "fail2ban"
    FIREWALL = "firewall"
    JOURNAL = "journal"
    PROGRAM = "program"
    IMAGES = "images"
    CREDENTIALS = "credentials"
    RELEASE = "release"
    UNITS = "units"
    EDGE = "edge"
    SWITCH = "switch"
    RESTART = "restart"
    HEALTH = "health"
    PRUNE = "prune"
    UNLEASE = "unlease"


RETURNING = frozenset({Step.UNITS, Step.EDGE, Step.SWITCH, Step.RESTART, Step.HEALTH})
"""What fails here is answered by going back to the release before."""
SERVER_WIDE = frozenset({Step.PACKAGES, Step.SSH, Step.FAIL2BAN, Step.FIREWALL, Step.JOURNAL, Step.EDGE})
"""What changes a server beside the project itself."""
