from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Coroutine

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.providers.directory import CLOUDFLARE, RENTING, open_dns, open_provider
from freehold.providers.together import together
from tests.support.cloud_worlds import DNS_WORLDS, PROVIDER_WORLDS


@pytest.mark.parametrize("name", list(RENTING))
async def test_each_provider_is_opened_where_the_environment_says(name: str) -> None:
    with PROVIDER_WORLDS[name](None) as world:
        provider = open_provider(name, Secret(world.api.token), {RENTING[name].variable: world.api.url})
        assert await provider.check()
        assert provider.name == name
        assert provider.rents
        await provider.close()
        await world.provider.close()


async def test_dns_is_opened_where_the_environment_says() -> None:
    with DNS_WORLDS["cloudflare"](None) as world:
        dns = open_dns(Secret(world.api.token), {"FREEHOLD_CLOUDFLARE_URL": world.api.url})
        assert await dns.check()
        await dns.close()
        await world.dns.close()


def test_unknown_provider_is_told_with_those_that_there_are() -> None:
    with pytest.raises(FreeholdError) as caught:
        open_provider("hetzer", Secret("token"), {})
    assert caught.value.message == 'no provider "hetzer" (did you mean "hetzner"?)'
    assert caught.value.hint == "There are: hetzner, vultr."


def test_credentials_are_types_that_there_are() -> None:
    for entry in (*RENTING.values(), CLOUDFLARE):
        assert entry.field in CREDENTIAL_TYPES[entry.credential].required_fields


def test_nothing_heavy_is_loaded_before_it_is_wanted() -> None:
    code = (
        "import sys; import freehold.providers.directory, freehold.providers.provider, freehold.providers.dns;"
        "print([name for name in ('httpx2', 'cryptography', 'asyncssh') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


async def at_once(*asked: Coroutine[None, None, None]) -> None:
    async with together() as asking:
        for one in asked:
            asking.create_task(one)


async def fail(error: Exception) -> None:
    await asyncio.sleep(0)
    raise error


async def test_questions_at_once_raise_the_error_itself_and_leave_nothing_behind() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("other")

    with pytest.raises(FreeholdError, match="one failed"):
        await at_once(wait(), fail(FreeholdError(Code.UPSTREAM, "one failed")))
    assert ended == ["other"]


async def test_defects_are_not_taken_for_refusals() -> None:
    with pytest.raises(ExceptionGroup):
        await at_once(fail(ZeroDivisionError()), fail(FreeholdError(Code.UPSTREAM, "one failed")))
