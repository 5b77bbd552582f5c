"""What a push will do, for people and programs, before anything of it is done. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from freehold.deploy.part import Change, Part
from freehold.deploy.step import Step
from freehold.server.release import ReleaseRecord


@dataclass(frozen=True)
class Planned:
    """A part, and what it changes; nothing when all is as it should be."""

    part: Part
    changes: tuple[Change, ...]

    @property
    def step(self) -> Step:
        return Step(self.part.name)


@dataclass(frozen=True)
class Plan:
    """`release` is the one that will count, `before` the one that does now, if there is one. `missing` are credentials
    that are not stored here, in sentences: without them it stays a plan."""

    project: str
    release: ReleaseRecord
    before: ReleaseRecord | None
    planned: tuple[Planned, ...]
    missing: tuple[str, ...] = ()

    @property
    def due(self) -> tuple[Planned, ...]:
        """Those that have something to do, in the order of the steps."""
        return tuple(sorted((each for each in self.planned if each.changes), key=lambda each: _ORDER[each.step]))

    @property
    def packages(self) -> Planned | None:
        """What is to be there before the rest can be planned to the last word."""
        return next((each for each in self.due if each.step is Step.PACKAGES), None)

    @property
    def is_new_release(self) -> bool:
        return self.before is None or self.before.id != self.release.id

    def lines(self) -> list[str]:
        """For a person: what keeps a push from being made at all, then each change, with what is below it."""
        told = ["a push would stop before it touches anything, until these are stored:"] if self.missing else []
        told += [f"    {each}" for each in self.missing]
        for each in self.due:
            for change in each.changes:
                told.append(f"{each.step}: {change.what}")
                told += [f"    {line}" for line in change.detail]
        return told

    def as_dict(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "release": self.release.id,
            "before": self.before.id if self.before else None,
            "missing": list(self.missing),
            "changes": [
                {"step": str(each.step), "what": change.what, "detail": list(change.detail)}
                for each in self.due
                for change in each.changes
            ],
        }


_ORDER = {step: number for number, step in enumerate(Step)}


def in_order(parts: Sequence[Part]) -> list[Part]:
    """As the steps are."""
    return sorted(parts, key=lambda part: _ORDER[Step(part.name)])
