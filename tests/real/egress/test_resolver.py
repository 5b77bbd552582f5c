"""Names by the host's own resolver."""

import asyncio
import threading

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.egress.resolver import LOOKUPS_AT_ONCE, Endpoint, SystemResolver
from tests.support.outside import within


async def test_a_name_of_this_host() -> None:
    resolver = SystemResolver()
    assert Endpoint("127.0.0.1", 443) in await within(resolver.resolve("localhost", 443))
    resolver.close()


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".invalid"])
async def test_a_name_that_is_not_found(host: str) -> None:
    resolver = SystemResolver()
    with pytest.raises(FreeholdError, match="is not found") as caught:
        await within(resolver.resolve(host, 443))
    assert caught.value.code is Code.UNREACHABLE
    resolver.close()


async def test_lookups_of_one_name_that_overlap_are_made_once() -> None:
    asked: list[str] = []
    go = threading.Event()

    def look_up(host: str, port: int) -> list[Endpoint]:
        asked.append(host)
        go.wait(20)
        return [Endpoint("198.51.100.7", port)]

    resolver = SystemResolver(look_up)
    lookups = [asyncio.create_task(_resolve(resolver, host)) for host in ["a.test"] * 50 + ["b.test"]]
    await asyncio.sleep(0)
    lookups[0].cancel()  # one that gives up does not spoil it for the others
    go.set()
    found = await within(asyncio.gather(*lookups, return_exceptions=True))
    assert found[1:] == [[Endpoint("198.51.100.7", 443)]] * 50
    assert sorted(asked) == ["a.test", "b.test"]
    assert await resolver.resolve("a.test", 443)
    assert len(asked) == 3
    resolver.close()


async def test_a_lookup_that_nobody_waits_for_is_not_begun() -> None:
    """Else a run whose names are slow fills the queue: it may ask for twenty a second, and one takes ten seconds."""
    begun: list[str] = []
    go = threading.Event()

    def look_up(host: str, port: int) -> list[Endpoint]:
        begun.append(host)
        go.wait(20)
        return [Endpoint("198.51.100.7", port)]

    resolver = SystemResolver(look_up)
    slow = [asyncio.create_task(_resolve(resolver, f"slow{number}.test")) for number in range(LOOKUPS_AT_ONCE + 20)]
    await asyncio.sleep(0)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    go.set()
    assert await within(_resolve(resolver, "last.test"))
    assert sorted(begun) == sorted([*(f"slow{number}.test" for number in range(LOOKUPS_AT_ONCE)), "last.test"])
    resolver.close()


async def test_slow_names_of_one_run_keep_no_other_run_waiting() -> None:
    go = threading.Event()

    def hang(host: str, port: int) -> list[Endpoint]:
        go.wait(20)
        return [Endpoint("198.51.100.7", port)]

    slow, other = SystemResolver(hang), SystemResolver(lambda _, port: [Endpoint("198.51.100.8", port)])
    asking = [asyncio.create_task(_resolve(slow, f"slow{number}.test")) for number in range(100)]
    await asyncio.sleep(0)
    assert await within(_resolve(other, "good.test")) == [Endpoint("198.51.100.8", 443)]
    assert not any(task.done() for task in asking)
    go.set()
    await within(asyncio.gather(*asking))
    slow.close()
    other.close()


async def _resolve(resolver: SystemResolver, host: str) -> list[Endpoint]:
    return list(await resolver.resolve(host, 443))
