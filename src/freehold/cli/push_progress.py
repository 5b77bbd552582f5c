"""How far a push is, on a terminal: what it is at, and how long each step took."""

from __future__ import annotations

import sys

from freehold.base.words import duration, size
from freehold.cli.output import note
from freehold.deploy.step import Step

_WHAT = {
    Step.LEASE: "asking the server",
    Step.ACCOUNTS: "users and folders",
    Step.PACKAGES: "packages of the system",
    Step.SSH: "sshd",
    Step.FAIL2BAN: "fail2ban",
    Step.FIREWALL: "firewall",
    Step.JOURNAL: "journal",
    Step.PROGRAM: "freehold itself",
    Step.IMAGES: "images",
    Step.CREDENTIALS: "credentials",
    Step.RELEASE: "the project's files",
    Step.UNITS: "units of systemd",
    Step.EDGE: "edge",
    Step.SWITCH: "switching",
    Step.RESTART: "starting services",
    Step.HEALTH: "waiting until it is well",
    Step.PRUNE: "old releases",
    Step.UNLEASE: "giving the lease back",
}

_ORDER = {step: number for number, step in enumerate(Step)}


class PushProgress:
    """A line for each step that is over; on a terminal what is under way is shown as well. `prefix` stands before
    each. `furthest` is the last step that was begun; who goes back does steps once more."""

    def __init__(self, prefix: str, *, quiet: bool) -> None:
        self._prefix = prefix
        self._quiet = quiet
        self.furthest = Step.LEASE
        self._live = sys.stderr.isatty() and not prefix

    def prepares(self, step: Step) -> None:
        self._show(f"{_WHAT[step]}, on this machine ...")

    def began(self, step: Step) -> None:
        if _ORDER[step] > _ORDER[self.furthest]:
            self.furthest = step
        self._show(f"{_WHAT[step]} ...")

    def sent(self, sent_bytes: int) -> None:
        """Of images, so far."""
        self._show(f"{_WHAT[Step.IMAGES]} ... {size(sent_bytes)}")

    def ended(self, step: Step, seconds: float) -> None:
        self.say(f"{_WHAT[step]:<26} {duration(seconds):>8}")

    def failed(self, step: Step, seconds: float) -> None:
        self.say(f"{_WHAT[step]:<26} {duration(seconds):>8}  failed")

    def say(self, line: str) -> None:
        """In the place of what was under way."""
        if self._quiet:
            return
        if self._live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
        note(f"{self._prefix}{line}")

    def _show(self, text: str) -> None:
        """What is under way, on a line that the next one replaces."""
        if self._live and not self._quiet:
            sys.stderr.write(f"\r\033[K{text}")
            sys.stderr.flush()
