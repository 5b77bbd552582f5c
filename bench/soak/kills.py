"""Who is killed, and when."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from bench.soak.model import SlowModel
from bench.soak.service import Service

VICTIMS = (("service",), ("service",), ("keeper",), ("keeper",), ("keeper", "service"), ("service", "keeper"))


@dataclass
class Kills:
    """SIGKILL once in every `every_s` seconds, at a random moment of them. `with_stream` counts those while a model's
    stream was open.
    """

    service: Service
    model: SlowModel
    chance: random.Random
    every_s: float
    done: Counter[str] = field(default_factory=Counter)
    with_stream: int = 0

    async def go_on(self, until: float) -> None:
        """Until the monotonic time `until`."""
        while (begins := time.monotonic()) + self.every_s <= until:
            await asyncio.sleep(self.chance.uniform(0, self.every_s))
            self._strike(self.chance.choice(VICTIMS))
            await asyncio.sleep(max(begins + self.every_s - time.monotonic(), 0))

    def _strike(self, victims: tuple[str, ...]) -> None:
        streaming = self.model.open_streams > 0
        hit = [name for name in victims if self._kill(name)]
        self.done.update(hit)
        self.with_stream += streaming and bool(hit)

    def _kill(self, name: str) -> bool:
        return self.service.kill_service() if name == "service" else self.service.kill_keeper()
