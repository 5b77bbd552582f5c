"""Teardowns in memory: after each step of `env prov`, with failures, and the proof at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.deprovision.belongings import find_belongings, provider_of
from freehold.deploy.deprovision.plan import Wanted, plan_teardown
from freehold.deploy.deprovision.server_side import look
from freehold.deploy.deprovision.teardown import Outcome, Teardown
from freehold.deploy.provision.record import Changes
from freehold.deploy.provision.step import CLOUDFLARE, RENTED, Step
from freehold.providers.api_error import Refusal
from freehold.providers.fake_provider import FakeProvider
from freehold.providers.leftover import Leftover, LeftoverKind
from tests.support.provisioning import OWNER, WISH, Killed, Teller, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = World(tmp_path)
    found.record.begin(WISH, OWNER.installation)
    return found


async def taken_down(world: World, wanted: Wanted | None = None) -> Outcome:
    environment = world.environment
    world.host.closed = False
    belongings = await find_belongings(environment, world.provider, world.dns)
    there = await look(world.host) if environment.has_server and "removal" in world.host.scripts else None
    plan = plan_teardown(there, belongings, wanted or Wanted())
    host = world.host if there else None
    return await Teardown(environment, host, world.provider, world.dns, lambda _: None).carry_out(plan)


async def is_clear(world: World) -> bool:
    return not (*await world.provider.leftovers(OWNER), *await world.dns.leftovers("zone1", OWNER))


@pytest.mark.parametrize("when", ["begins", "ends"])
@pytest.mark.parametrize("step", [*RENTED, *CLOUDFLARE][1:])
async def test_killed_at_any_step_all_is_found_and_removed(world: World, step: Step, when: str) -> None:
    with pytest.raises(Killed):
        await world.journey(Teller(step, when)).go()
    outcome = await taken_down(world)
    assert outcome.left == []
    assert await is_clear(world)
    assert len(outcome.proven) == len(outcome.removed)


async def test_one_failure_keeps_nothing_else_from_going(world: World) -> None:
    await world.journey().go()
    world.provider.refusals.append(Refusal.FAULT)
    outcome = await taken_down(world)
    left = await world.provider.leftovers(OWNER)
    assert [one.kind for one in left] == [LeftoverKind.SERVER]
    assert [(one.what, "fault" in one.why) for one in outcome.left] == [(str(left[0]), True)]
    assert len(outcome.removed) == len(outcome.proven) == 5
    assert (await taken_down(world)).left == []
    assert await is_clear(world)


class Deaf(FakeProvider):
    """Says yes, and removes nothing."""

    async def remove(self, leftover: Leftover) -> None:
        assert leftover


async def test_what_a_provider_still_lists_is_not_gone(world: World) -> None:
    world.provider = Deaf()
    await world.journey().go()
    outcome = await taken_down(world)
    assert {one.why for one in outcome.left} == {"it is still listed"}
    assert len(outcome.left) == 3
    assert not any("server" in line for line in outcome.proven)


def a_server_with_shop(world: World, failed: list[str], *, stays: bool = False) -> list[str]:
    """What its removal program was told to do."""
    told: list[str] = []

    def removal(document: dict[str, Any]) -> dict[str, Any]:
        told.append(document["do"])
        if document["do"] == "look":
            gone = "remove" in told and not stays
            return {"projects": {} if gone else {"shop": ["/opt/freehold/shop"]}, "stays": []}
        return {"failed": failed if document["do"] == "remove" else []}

    world.host.scripts["removal"] = removal
    return told


async def test_the_server_is_looked_at_in_the_end_where_it_stays(world: World) -> None:
    await world.journey().go()
    told = a_server_with_shop(world, [])
    outcome = await taken_down(world, Wanted("shop", keep_server=True))
    assert told == ["look", "stop", "remove", "look"]
    assert "project shop on the server: nothing is left" in outcome.proven
    assert [one.kind for one in await world.provider.leftovers(OWNER)] != []
    assert await world.dns.leftovers("zone1", OWNER) == ()


@pytest.mark.parametrize(("failed", "stays"), [(["userdel fh-shop: busy"], False), ([], True)])
async def test_what_is_left_on_the_server_is_told(world: World, failed: list[str], stays: bool) -> None:
    await world.journey().go()
    a_server_with_shop(world, failed, stays=stays)
    outcome = await taken_down(world, Wanted("shop", keep_server=True))
    assert outcome.left != []


async def test_a_server_that_goes_away_meanwhile(world: World) -> None:
    await world.journey().go()
    a_server_with_shop(world, [])

    def gone(_: Any) -> dict[str, Any]:
        raise FreeholdError(Code.UNREACHABLE, "the connection broke")

    world.host.scripts["edge"] = gone
    outcome = await taken_down(world, Wanted("shop"))
    assert [one.what for one in outcome.left] == ["shop on the server"]
    assert await is_clear(world), "the provider's side goes on"


async def test_without_a_mark_things_are_known_by_the_ids_in_the_file(world: World) -> None:
    await world.journey().go()
    file = world.home / "environments/prod.toml"
    server, _, rest = file.read_text().partition("[provision]")
    file.write_text(f"{server}[gateway]{rest.partition('[gateway]')[2]}")
    assert world.environment.provision is None
    belongings = await find_belongings(world.environment, world.provider, world.dns)
    assert sorted(one.kind for one in belongings.all) == [LeftoverKind.DNS_RECORD, LeftoverKind.SERVER]


@pytest.mark.parametrize(
    ("server", "provider"),
    [
        ({"provider": "existing"}, ""),
        ({"provider": "vps", "serverId": None, "hetznerServerId": 7}, "hetzner"),
        ({"provider": "vps", "vultrInstanceId": "x"}, "vultr"),
        ({"provider": "sandbox", "sandboxName": "box"}, "sandbox"),
        ({"provider": "hetzner"}, "hetzner"),
    ],
)
def test_who_rents_it_out(world: World, server: dict[str, Any], provider: str) -> None:
    world.record.write(Changes(server))
    assert provider_of(world.environment) == provider
