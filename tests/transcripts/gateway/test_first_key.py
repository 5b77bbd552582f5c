"""The key that a project begins with, and one that somebody put in its place."""

from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.gateway.first_key import FIELD, REF, SHORTEST, ensure_first_key
from freehold.wire.service import API
from tests.support.gateway_world import GatewayWorld


async def begin_again(world: GatewayWorld) -> None:
    service = world.gateway.service
    await ensure_first_key(service.database, world.credentials, service.clock.now())


async def test_a_new_one_opens_and_the_old_one_does_not(world: GatewayWorld) -> None:
    new = Secret("n" * SHORTEST)
    world.credentials.put(REF, {FIELD: new})
    await begin_again(world)
    assert (await world.client.get(f"{API}/status")).status_code == 401
    assert (await world.asking(new).get(f"{API}/status")).status_code == 200


@pytest.mark.parametrize("key", ["hunter2", "  hunter2              ", "n" * (SHORTEST - 1)])
async def test_one_that_can_be_guessed_is_refused(world: GatewayWorld, key: str) -> None:
    world.credentials.put(REF, {FIELD: Secret(key)})
    with pytest.raises(FreeholdError) as caught:
        await begin_again(world)
    assert caught.value.code is Code.CREDENTIAL
    assert key.strip() not in f"{caught.value.message} {caught.value.hint}"
    assert (await world.asking(Secret(key)).get(f"{API}/status")).status_code == 401
