"""A timer on the server that brings the release before back, should a push end halfway and nobody see to it.

A push switches, and looks whether all is well. When it dies in between, with a release that is not, the server itself
goes back (docs/why/push.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from freehold.deploy.lease import LASTS_S, Lease
from freehold.deploy.remote import program_text
from freehold.server.layout import PROGRAMS, Layout
from freehold.server.release import UNITS_FILE, ReleaseRecord

AFTER_S = LASTS_S + 10.0
"""When it looks for the first time: the lease of a push that died is over then."""
OWNER = "the server itself"
"""Whom a push is told that comes while it goes back; `LONGEST_S` is how long that may take."""
LONGEST_S = 300.0
_PATIENCE_S = 20.0
_SOURCES = ("lease", "switch", "units", "restart", "health")


def guard_unit(layout: Layout) -> str:
    return f"freehold-guard-{layout.project}"


@dataclass(frozen=True)
class Guard:
    """Of `release`, with `before` as the one that it goes back to. `health` is what is asked about its health."""

    layout: Layout
    release: ReleaseRecord
    before: ReleaseRecord
    health: Mapping[str, Any]
    enabled: Sequence[str]
    started: str
    after_s: float = AFTER_S

    def document(self) -> dict[str, Any]:
        """What the remote program arms it by."""
        layout, before = self.layout, self.before
        told = {
            "sources": {name: program_text(name) for name in _SOURCES},
            "lease": Lease(layout, OWNER, process="", lasts_s=LONGEST_S).asked(),
            "current": layout.current,
            "release": self.release.id,
            "before": before.id,
            "rolled_back": layout.rolled_back,
            "health": {**self.health, "for_s": _PATIENCE_S, "restarts": {}, "journal": False},
            "units": {
                "do": "restore", "units": f"{layout.release(before.id)}/{UNITS_FILE}", "enabled": list(self.enabled)
            },
            "links": [
                (layout.program, f"../{PROGRAMS}/{before.program}"), (layout.current, f"releases/{before.id}")
            ],
            "restart": {"record": self.started, "start": [], "restart": self._restart()},
        }  # fmt: skip
        return {
            "unit": guard_unit(layout),
            "program": f"{layout.root}/guard.py",
            "document": f"{layout.root}/guard.json",
            "source": program_text("guard"),
            "after_s": self.after_s,
            "told": told,
        }

    def _restart(self) -> dict[str, str]:
        """What was started for the new release; what it left alone goes on."""
        layout, new, old = self.layout, self.release, self.before
        keeper = {layout.keeper: old.keeper} if new.keeper != old.keeper else {}
        service = {layout.service: old.service} if new.service != old.service else {}
        return {**keeper, **service}
