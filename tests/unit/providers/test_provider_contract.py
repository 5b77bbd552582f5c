"""What `Provider` promises, on the one in memory and on real clients before strict servers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.firewall import rules_for
from freehold.providers.leftover import LeftoverKind, in_order_of_removal
from freehold.providers.machine import Machine, MachineState
from tests.support.cloud_worlds import KEY, OTHER_KEY, PROD, PROVIDER_WORLDS, STAGING, ProviderWorld


@pytest.fixture(params=list(PROVIDER_WORLDS))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[ProviderWorld]:
    with PROVIDER_WORLDS[request.param](None) as made:
        yield made
        await made.provider.close()


async def ready(world: ProviderWorld, machine: Machine) -> Machine:
    """The machine once it is; a handful of looks is enough."""
    for _ in range(5):
        seen = await world.provider.machine(machine.id)
        assert seen is not None
        if seen.ready:
            return seen
    raise AssertionError(f"{machine} never runs")


async def test_catalogue_holds_what_can_be_bought(world: ProviderWorld) -> None:
    catalogue = await world.provider.catalogue()

    assert catalogue.require_sold(world.plan, world.region).month > 0
    assert world.region in [region.name for region in catalogue.regions_of(world.plan)]
    assert world.elsewhere not in [region.name for region in catalogue.regions_of(world.plan)]
    assert all(plan.prices for plan in catalogue.plans)
    images = catalogue.images_for(catalogue.plan(world.plan))
    assert [(image.distribution, image.version) for image in images] == [
        ("debian", "12"),
        ("debian", "13"),
        ("ubuntu", "24.04"),
    ]


async def test_account_is_told(world: ProviderWorld) -> None:
    assert await world.provider.check()


async def test_key_is_added_once_whatever_its_comment(world: ProviderWorld) -> None:
    first = await world.provider.add_key(f"{KEY} me@laptop", PROD)
    again = await world.provider.add_key(f"{KEY} renamed", STAGING)
    other = await world.provider.add_key(OTHER_KEY, STAGING)
    assert first.id == again.id != other.id
    assert first.is_same_as(KEY)


async def test_keys_of_the_account_are_listed(world: ProviderWorld) -> None:
    assert await world.provider.keys() == ()
    first = await world.provider.add_key(f"{KEY} me@laptop", PROD)
    assert await world.provider.keys() == (first,)
    other = await world.provider.add_key(OTHER_KEY, STAGING)
    assert {key.id for key in await world.provider.keys()} == {first.id, other.id}


async def test_firewall_is_put_once_for_each_environment_with_exactly_the_rules(world: ProviderWorld) -> None:
    first = await world.provider.put_firewall(rules_for(ssh_port=22), PROD)
    again = await world.provider.put_firewall(rules_for(ssh_port=2222, open_ports=(8080,)), PROD)
    other = await world.provider.put_firewall(rules_for(ssh_port=22), STAGING)

    assert first.id == again.id != other.id
    assert again.rules == frozenset(rules_for(ssh_port=2222, open_ports=(8080,)))
    both = ("0.0.0.0/0", "::/0")
    wanted = {(kind, port, one) for kind, port in (("tcp", "2222"), ("tcp", "8080"), ("icmp", "")) for one in both}
    assert world.lets_in(again.id) == wanted
    assert {port for _, port, _ in world.lets_in(other.id)} == {"22", "80", "443", ""}
    same = await world.provider.put_firewall(rules_for(ssh_port=2222, open_ports=(8080,)), PROD)
    assert same == again


async def test_server_is_created_runs_and_is_told(world: ProviderWorld) -> None:
    spec = await world.spec()
    machine = await world.provider.create(spec)

    assert (machine.name, machine.plan, machine.region) == (PROD.name, world.plan, world.region)
    running = await ready(world, machine)
    assert running.state is MachineState.RUNNING
    assert running.ipv4
    assert running.ipv6
    assert running.address == running.ipv4


async def test_server_without_ipv4_is_reached_by_ipv6(world: ProviderWorld) -> None:
    machine = await ready(world, await world.provider.create(await world.spec(ipv4=False)))

    assert machine.ipv4 is None
    assert machine.address == machine.ipv6


async def test_server_that_is_there_is_not_made_twice(world: ProviderWorld) -> None:
    spec = await world.spec()
    first = await world.provider.create(spec)
    again = await world.provider.create(spec)

    assert again.id == first.id
    assert [one.kind for one in await world.provider.leftovers(PROD)].count(LeftoverKind.SERVER) == 1


async def test_plan_that_the_region_does_not_sell_is_told_with_where_it_is_sold(world: ProviderWorld) -> None:
    with pytest.raises(ApiError) as caught:
        await world.provider.create(await world.spec(region=world.elsewhere))

    assert caught.value.refusal is Refusal.NOT_SOLD
    assert f"plan {world.plan} is not sold in {world.elsewhere}" in caught.value.message


async def test_leftovers_are_the_owners_and_nobody_elses(world: ProviderWorld) -> None:
    await world.provider.create(await world.spec(PROD))
    await world.provider.add_key(OTHER_KEY, STAGING)
    await world.provider.put_firewall(rules_for(ssh_port=22), STAGING)

    mine = await world.provider.leftovers(PROD)
    assert {one.kind for one in mine} == {LeftoverKind.SERVER, LeftoverKind.FIREWALL, LeftoverKind.SSH_KEY}
    assert {one.name for one in mine} == {PROD.name}
    assert {one.kind for one in await world.provider.leftovers(STAGING)} == {
        LeftoverKind.FIREWALL,
        LeftoverKind.SSH_KEY,
    }


async def test_teardown_leaves_nothing_and_touches_nothing_else(world: ProviderWorld) -> None:
    machine = await world.provider.create(await world.spec(PROD))
    await world.provider.put_firewall(rules_for(ssh_port=22), STAGING)
    before = await world.provider.leftovers(STAGING)

    for leftover in in_order_of_removal(await world.provider.leftovers(PROD)):
        await world.provider.remove(leftover)
        await world.provider.remove(leftover)  # gone already: nothing happens

    assert await world.provider.leftovers(PROD) == ()
    assert await world.provider.machine(machine.id) is None
    assert await world.provider.leftovers(STAGING) == before


async def test_machine_that_never_was_is_none(world: ProviderWorld) -> None:
    assert await world.provider.machine("4711") is None
