"""systemd's journal: kept over reboots, and never larger than a bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from freehold.base.words import size
from freehold.deploy.managed_files import (
    ManagedFile,
    Settings,
    Step,
    asked,
    carry_out,
    change,
    differs,
    facts_of,
    remote_text,
)
from freehold.deploy.part import Change
from freehold.hosts.host import Host
from freehold.server import journal_limits
from freehold.server.layout import JOURNAL_FILE

_RESTART = ("systemctl", "restart", "systemd-journald.service")
"""systemd holds the services' streams meanwhile: nothing that is said is lost."""


class JournalPart:
    """`Part`."""

    name = "journal"

    @property
    def remote(self) -> str:
        return remote_text()

    def asked(self) -> Mapping[str, Any]:
        return asked(self.name, files=(JOURNAL_FILE,))

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        told = facts_of(facts)
        wanted = ManagedFile(JOURNAL_FILE, journal_limits.drop_in())
        if not (told.waiting or differs(wanted, told.files.get(JOURNAL_FILE))):
            return []
        made = Settings(
            files=(wanted,), activate=(Step(_RESTART), Step(("journalctl", "--flush"))), undo=(_RESTART,)
        )  # fmt: skip
        bound = size(journal_limits.MOST_BYTES)
        what = f"write {JOURNAL_FILE} and restart systemd-journald.service: the journal is kept, up to {bound}"
        return [change(self.name, what, told, made)]

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        for each in changes:
            await carry_out(host, each)
