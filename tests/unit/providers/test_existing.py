from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.providers.existing import Existing
from freehold.providers.firewall import rules_for
from freehold.providers.leftover import Leftover, LeftoverKind
from freehold.providers.machine import ServerSpec
from tests.support.cloud_worlds import KEY, PROD


async def test_existing_server_is_there_and_has_no_leftovers() -> None:
    server = Existing("2001:db8::7")
    machine = await server.machine("2001:db8::7")
    assert machine is not None
    assert machine.ready
    assert machine.address == "2001:db8::7"
    assert await server.machine("192.0.2.1") is None
    assert (await server.catalogue()).plans == ()
    assert await server.leftovers(PROD) == ()
    assert not server.rents


async def test_nothing_is_made_or_removed_at_an_existing_server() -> None:
    server = Existing("192.0.2.1")
    spec = ServerSpec(PROD, "p", "r", "i", (), "f", "")
    for making in (server.add_key(KEY, PROD), server.put_firewall(rules_for(ssh_port=22), PROD), server.create(spec)):
        with pytest.raises(FreeholdError, match="an existing server has no API"):
            await making
    with pytest.raises(FreeholdError, match="was there before Freehold") as caught:
        await server.remove(Leftover(LeftoverKind.SERVER, "192.0.2.1", "server"))
    assert caught.value.code is Code.DENIED
