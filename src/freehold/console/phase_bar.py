"""The phases of a run as a bar (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from freehold.wire.runs import Phase

WHOLE = 1000.0
LEAST = 6.0
"""So that a short phase can be seen."""


@dataclass(frozen=True)
class Segment:
    """`start` and `width` are of `WHOLE`."""

    phase: str
    seconds: float
    start: float
    width: float
    number: int


def segments(phases_s: Mapping[Phase, float]) -> list[Segment]:
    """In the order of the phases; empty when none took any time."""
    taken = [(phase, max(phases_s[phase], 0.0)) for phase in Phase if phase in phases_s]
    total = sum(seconds for _, seconds in taken)
    if total <= 0:
        return []
    widths = [max(seconds / total * WHOLE, LEAST) for _, seconds in taken]
    scale = WHOLE / sum(widths)
    made, start = [], 0.0
    for (phase, seconds), width in zip(taken, widths, strict=True):
        number = list(Phase).index(phase)
        made.append(Segment(phase.replace("_", " "), seconds, round(start, 2), round(width * scale, 2), number))
        start += width * scale
    return made
