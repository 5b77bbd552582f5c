"""The network of all sandboxes, asked for by many at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from freehold.base.clock import SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection
from freehold.containers.network import Networks
from freehold.providers.sandbox import bridge as module
from freehold.providers.sandbox.bridge import Bridge

pytestmark = pytest.mark.docker

LABEL = "dev.freehold.test-bridge"


@pytest.fixture
async def networks(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Networks]:
    """With a network of a name of our own, which no real sandbox is on."""
    mark = str(os.getpid())
    monkeypatch.setattr(module, "NETWORK", f"fh-t{mark}")
    monkeypatch.setattr(module, "_LASTING", {LABEL: f"{mark}-lasting"})
    monkeypatch.setattr(module, "_TRIAL", {LABEL: f"{mark}-trial"})
    connection = DockerConnection.open()
    networks = Networks(connection)
    yield networks
    await Bridge(networks, SystemClock()).remove()
    await connection.close()


async def test_those_who_ask_at_once_get_one_network(networks: Networks) -> None:
    subnets = await asyncio.gather(*(Bridge(networks, SystemClock()).ensure() for _ in range(6)))
    assert len(set(subnets)) == 1
    assert len(await networks.with_labels(module._LASTING)) == 1
    assert not await networks.with_labels(module._TRIAL)


async def test_name_that_somebody_else_has_is_told(networks: Networks) -> None:
    name = f"fh-t{os.getpid()}"  # as the fixture calls it
    theirs = await networks.create_bridge(name, {})
    try:
        with pytest.raises(FreeholdError, match=f"there is a network {name}") as caught:
            await Bridge(networks, SystemClock()).ensure()
    finally:
        await networks.remove(theirs)
    assert caught.value.code is Code.CONFLICT
