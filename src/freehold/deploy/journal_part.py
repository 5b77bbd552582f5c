"""systemd's journal: kept over reboots, and never larger than a bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from freehold.base.words import size
from freehold.deploy.managed_files import ManagedFacts, ManagedFile, Settings, Step, asked, change
from freehold.deploy.managed_part import ManagedPart
from freehold.deploy.part import Change
from freehold.server import journal_limits
from freehold.server.layout import JOURNAL_FILE

_RESTART = ("systemctl", "restart", "systemd-journald.service")
"""systemd holds the services' streams meanwhile: nothing that is said is lost."""


class JournalPart(ManagedPart):
    name = "journal"

    def asked(self) -> Mapping[str, Any]:
        return asked(self.name, files=(JOURNAL_FILE,))

    def decide(self, told: ManagedFacts) -> Sequence[Change]:
        wanted = ManagedFile(JOURNAL_FILE, journal_limits.drop_in())
        if told.has(wanted):
            return []
        made = Settings(
            files=(wanted,), activate=(Step(_RESTART), Step(("journalctl", "--flush"))), undo=(_RESTART,)
        )  # fmt: skip
        bound = size(journal_limits.MOST_BYTES)
        what = f"write {JOURNAL_FILE} and restart systemd-journald.service: the journal is kept, up to {bound}"
        return [change(self.name, what, told, made)]
