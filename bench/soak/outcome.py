"""What a soak found: printed, and kept as a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

RESULT_FILE = Path(__file__).parents[1] / "results" / "soak.json"

_MOST_SHOWN = 50


class Outcome(msgspec.Struct, kw_only=True):
    """`accepted` and `runs` are counts by kind and by result; memory and descriptors are medians of processes that have
    settled: in the first third of the time, and in the last. `calm` is the time at the end without kills.
    """

    version: str
    began: str
    seed: int
    minutes: float
    calm_minutes: float
    drained_in_s: float
    kills: dict[str, int]
    kills_with_open_stream: int
    service_starts: int
    keepers: int
    asked: dict[str, int]
    accepted: dict[str, int]
    triggers: dict[str, int]
    runs: dict[str, int]
    attempts_more_than_one: int
    resident_mb: dict[str, tuple[float, float]]
    calm_resident_mb: dict[str, tuple[float, float]]
    descriptors: dict[str, tuple[float, float]]
    violations: list[str]

    @property
    def passed(self) -> bool:
        return not self.violations

    def lines(self) -> list[str]:
        """For a person."""
        shown = [
            f"{self.minutes:g} minutes and {self.calm_minutes:g} calm ones, seed {self.seed}",
            f"killed: {_counts(self.kills)}; {self.kills_with_open_stream} times with a model's stream open",
            f"started: the service {self.service_starts} times, {self.keepers} keepers",
            f"asked: {_counts(self.asked)}",
            f"accepted: {_counts(self.accepted)}",
            f"triggers: {_counts(self.triggers)}; {self.attempts_more_than_one} had more than one attempt",
            f"runs: {_counts(self.runs)}; drained in {self.drained_in_s:.0f} s",
        ]
        for name, (first, last) in self.resident_mb.items():
            files = " to ".join(f"{number:.0f}" for number in self.descriptors[name])
            shown.append(f"{name}: {first:.0f} MB at first, {last:.0f} MB at last; {files} descriptors")
        for name, (first, last) in self.calm_resident_mb.items():
            shown.append(f"{name} without kills: {first:.1f} MB, then {last:.1f} MB")
        if self.passed:
            return [*shown, "every accepted trigger has exactly one final attempt, and nothing is left"]
        told = [f"  {text}" for text in self.violations[:_MOST_SHOWN]]
        more = ["  and more: the result file has them all"] if len(self.violations) > _MOST_SHOWN else []
        return [*shown, f"{len(self.violations)} violations:", *told, *more]

    def save(self, path: Path = RESULT_FILE) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def _counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(Counter(numbers).items())) or "none"
