"""This machine as a provider: what `Provider` promises, on real sandboxes, and a first boot as cloud-init does it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from freehold.cli.sandboxes import open_sandbox_provider
from freehold.containers.connection import DockerConnection
from freehold.containers.execution import Executions
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.cloud_init import FIRST_BOOT_DONE, FirstBoot, cloud_config
from freehold.providers.firewall import rules_for
from freehold.providers.machine import Machine, MachineState
from freehold.providers.ownership import Owner
from freehold.providers.sandbox.boot import answers_as_ssh
from freehold.providers.sandbox.order import container_name
from tests.support.cloud_worlds import KEY, PROD, STAGING, ProviderWorld
from tests.support.sandbox import SandboxServer

# What the contract says of every provider; the rest of it is about accounts, prices, regions and their firewalls.
from tests.unit.providers.test_provider_contract import (  # noqa: F401
    test_account_is_told,
    test_key_is_added_once_whatever_its_comment,
    test_machine_that_never_was_is_none,
    test_server_that_is_there_is_not_made_twice,
    test_teardown_leaves_nothing_and_touches_nothing_else,
)

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

FIRST_BOOT_WITHIN_S = 300.0


@pytest.fixture
async def world(sandbox: SandboxServer) -> AsyncIterator[ProviderWorld]:
    provider = open_sandbox_provider()
    yield ProviderWorld(provider, "small", "here", "nowhere")
    for owner in (PROD, STAGING):
        for leftover in await provider.leftovers(owner):
            await provider.remove(leftover)
    await provider.close()


def docker(*words: str) -> None:
    subprocess.run(["docker", *words], check=True, capture_output=True)


async def inside(machine: Machine, *argv: str) -> str:
    """What a command in the sandbox says."""
    connection = DockerConnection.open()
    try:
        return (await Executions(connection).run(container_name(machine.name), argv)).text.strip()
    finally:
        await connection.close()


async def test_first_boot_is_carried_out_and_the_host_key_is_told(world: ProviderWorld) -> None:
    spec = await world.spec()
    document = cloud_config(FirstBoot(spec.name, (f"{KEY} me@laptop",), "debian", "12"))
    made = await world.provider.create(replace(spec, user_data=document))
    assert (made.name, made.plan, made.region) == (PROD.name, "small", "here")
    async with asyncio.timeout(FIRST_BOOT_WITHIN_S):
        while not await inside(made, "sh", "-c", f"ls {FIRST_BOOT_DONE} 2>/dev/null"):
            await asyncio.sleep(1)

    running = await world.provider.machine(made.id)
    assert running is not None
    assert running.state is MachineState.RUNNING
    assert running.ipv4
    assert await answers_as_ssh(running.ipv4)
    shown = await inside(made, "ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub")
    assert running.host_key_fingerprint == shown.split()[1]
    assert await inside(made, "systemctl", "is-active", "fail2ban", "docker", "ssh") == "active\nactive\nactive"
    assert KEY in await inside(made, "cat", "/root/.ssh/authorized_keys")


async def test_firewall_is_of_the_environment_and_nothing_of_it_is_left(world: ProviderWorld) -> None:
    rules = rules_for(ssh_port=22)
    mine, theirs = await world.provider.put_firewall(rules, PROD), await world.provider.put_firewall(rules, STAGING)
    assert mine.id != theirs.id
    assert mine == await world.provider.put_firewall(rules, PROD)
    assert await world.provider.leftovers(PROD) == ()


async def test_one_that_does_not_run_is_off(world: ProviderWorld) -> None:
    made = await world.provider.create(await world.spec())
    docker("stop", "--time", "0", container_name(made.name))
    seen = await world.provider.machine(made.id)
    assert seen is not None
    assert (seen.state, seen.ready) == (MachineState.OFF, False)


async def test_half_of_one_is_made_anew(world: ProviderWorld) -> None:
    name = PROD.name
    docker("volume", "create", "--label", f"dev.freehold.sandbox={name}", f"fh-sandbox-{name}-docker")
    assert [one.name for one in await world.provider.leftovers(PROD)] == [name]
    assert (await world.provider.create(await world.spec())).state is MachineState.RUNNING


async def test_plan_that_there_is_not_is_refused_in_the_words_of_the_seam(world: ProviderWorld) -> None:
    with pytest.raises(ApiError) as caught:
        await world.provider.create(await world.spec(plan="gigantic"))
    assert caught.value.refusal is Refusal.NOT_SOLD
    assert "small" in caught.value.hint


async def test_environments_of_one_machine_do_not_meet(world: ProviderWorld) -> None:
    await world.provider.create(await world.spec())
    other = Owner(PROD.installation, f"other-{os.getpid()}")
    assert await world.provider.leftovers(other) == ()
    assert await world.provider.leftovers(Owner("zzzz", PROD.environment)) == ()
