"""Two minutes of `make soak`: every accepted trigger has exactly one final attempt, whatever is killed meanwhile."""

from __future__ import annotations

import pytest
from bench.soak.soak import Wanted, soak

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]

KILL_EVERY_S = 15.0
MINUTES, CALM_MINUTES = 1.75, 0.25


async def test_a_service_whose_processes_are_killed_loses_nothing(base_image: str) -> None:
    outcome = await soak(Wanted(MINUTES, CALM_MINUTES, seed=3, kill_every_s=KILL_EVERY_S))
    assert outcome.passed, "\n".join(outcome.lines())
    assert sum(outcome.kills.values()) >= MINUTES * 60 // KILL_EVERY_S
    assert set(outcome.kills) == {"service", "keeper"}
    assert {"webhook completed", "schedule completed", "manual completed", "call completed"} <= set(outcome.triggers)
