from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.base.clock import ManualClock
from tests.support.gateway_world import GatewayWorld, gateway_world, hooked_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GatewayWorld]:
    """A gateway whose project has the agent `dev` and the webhook source `hub`."""
    async with gateway_world(hooked_world(tmp_path, ManualClock())) as made:
        yield made
