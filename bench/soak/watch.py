"""The service and its keeper, looked at from outside: memory and descriptors."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.soak.service import Service

EVERY_S = 2.0
SETTLED_S = 12.0
"""A process that was started this long ago has loaded what it needs."""


@dataclass(frozen=True)
class Look:
    """A process at one moment; `age_s` since it was first seen."""

    name: str
    pid: int
    at_s: float
    age_s: float
    resident_mb: float
    descriptors: int


class Watch:
    """Looks every two seconds, until cancelled."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._began = time.monotonic()
        self._born: dict[int, float] = {}
        self.looks: list[Look] = []

    async def run(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        for name, pid in (("service", self._service.pid), ("keeper", self._service.look_at_keeper())):
            if pid is not None and (seen := self._look(name, pid)):
                self.looks.append(seen)

    def _look(self, name: str, pid: int) -> Look | None:
        now = time.monotonic()
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            resident_kb = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
            descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except (OSError, StopIteration):  # it was killed just now
            return None
        age_s = now - self._born.setdefault(pid, now)
        return Look(name, pid, now - self._began, age_s, resident_kb / 1024, descriptors)


@dataclass(frozen=True)
class Growth:
    """Medians over processes that have settled: in the first third of the time, and in the last."""

    name: str
    resident_mb: tuple[float, float]
    descriptors: tuple[float, float]


def growth(looks: list[Look], name: str) -> Growth | None:
    """None while there are too few looks to say."""
    settled = [look for look in looks if look.name == name and look.age_s >= SETTLED_S]
    third = len(settled) // 3
    if third < 3:
        return None
    first, last = settled[:third], settled[-third:]
    return Growth(
        name,
        (median(look.resident_mb for look in first), median(look.resident_mb for look in last)),
        (median(look.descriptors for look in first), median(look.descriptors for look in last)),
    )
