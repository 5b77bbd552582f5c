"""A database that goes away: senders and callers are told to come again, and it goes on when it is back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.base.clock import ManualClock
from freehold.wire.service import API
from tests.support.gateway_world import GatewayWorld, errors, gateway_world, hooked_world
from tests.support.postgres import Postgres

pytestmark = pytest.mark.postgres


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server of this test's own, to be stopped."""
    server = Postgres(Path(tempfile.mkdtemp(prefix="fhgp-")))
    server.start()
    yield server
    server.close()


async def statuses(world: GatewayWorld) -> dict[str, int]:
    found = {
        "health": await world.anybody.get("/health"),
        "runs": await world.client.get(f"{API}/runs"),
        "trigger": await world.client.post(f"{API}/agents/dev/trigger", json={"key": "k"}),
        "webhook": await world.deliver(),
    }
    for response in found.values():
        if response.status_code == 503:
            assert response.headers["retry-after"]
    return {name: response.status_code for name, response in found.items()}


async def test_it_is_told_and_it_goes_on(tmp_path: Path, postgres: Postgres) -> None:
    async with gateway_world(hooked_world(tmp_path, ManualClock(), url=postgres.new_database())) as world:
        await world.client.post(f"{API}/pause")
        postgres.stop()
        assert await statuses(world) == {"health": 503, "runs": 503, "trigger": 503, "webhook": 503}
        health = (await world.anybody.get("/health")).json()
        assert health["status"] == "degraded"
        assert "does not answer" in health["problems"][0]
        assert errors(await world.client.get(f"{API}/runs"))["code"] == "unreachable"
        # Whoever looks after it is told, and that is when figures are wanted most.
        figures = await world.anybody.get("/metrics")
        assert "freehold_database_errors_total" in figures.text
        postgres.start()
        assert await statuses(world) == {"health": 200, "runs": 200, "trigger": 202, "webhook": 200}
        assert len((await world.client.get(f"{API}/queue")).json()) == 2
