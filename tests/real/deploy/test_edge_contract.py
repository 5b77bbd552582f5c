"""The promises of `Edge`, kept by HAProxy (Debian 12 and 13) and by the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.edge.edge import Edge
from freehold.edge.fake_edge import FakeEdge
from freehold.edge.haproxy_edge import HaproxyEdge
from tests.support.edge_world import BLOG, SHOP, world_on
from tests.support.load import Request
from tests.support.sandbox import SandboxServer

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]


@dataclass
class Room:
    """An edge that serves `blog` and `shop`, another one where none runs, and a visitor of a project."""

    edge: Edge
    nowhere: Edge
    ask: Callable[[str], Awaitable[int]]


@pytest.fixture(params=["fake", "sandbox", "sandbox13"])
async def room(request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    if request.param == "fake":
        fake = FakeEdge("shop", "blog")

        async def ask_fake(project: str) -> int:
            return fake.ask(project)

        yield Room(fake, FakeEdge(running=False), ask_fake)
        return
    server: SandboxServer = request.getfixturevalue(request.param)
    async with world_on(server) as world:
        nowhere = HaproxyEdge(world.host)
        with pytest.raises(FreeholdError) as raised:
            await nowhere.traffic()  # before the first project has come
        assert raised.value.code is Code.UNREACHABLE
        await world.serve("shop", 8080, hosts=(SHOP,))
        await world.serve("blog", 8081, hosts=(BLOG,))

        async def ask(project: str) -> int:
            return (await world.plain(SHOP if project == "shop" else BLOG).ask(Request())).status

        yield Room(HaproxyEdge(world.host), FakeEdge(running=False), ask)


async def test_who_is_asked_how_often(room: Room) -> None:
    assert [one.project for one in await room.edge.traffic()] == ["blog", "shop"]
    for _ in range(3):
        assert await room.ask("shop") == 200
    blog, shop = await room.edge.traffic()
    assert (shop.requests, shop.failed, shop.waiting, shop.paused) == (3, 0, 0, False)
    assert blog.requests == 0
    figures = await room.edge.figures()
    assert 'proxy="project_shop' in figures
    assert figures.endswith("\n")


async def test_a_project_is_paused_and_resumed(room: Room) -> None:
    await room.edge.pause("shop")
    assert (await room.ask("shop"), await room.ask("blog")) == (503, 200)
    assert [one.paused for one in await room.edge.traffic()] == [False, True]
    assert (await room.edge.traffic())[1].failed == 1
    await room.edge.resume("shop")
    assert await room.ask("shop") == 200
    assert [one.paused for one in await room.edge.traffic()] == [False, False]


async def test_what_is_not_there(room: Room) -> None:
    for act in (room.edge.pause, room.edge.resume):
        with pytest.raises(FreeholdError) as raised:
            await act("shop; show info")
        assert raised.value.code is Code.NOT_FOUND
    for asked in (room.nowhere.traffic, room.nowhere.figures):
        with pytest.raises(FreeholdError) as raised:
            await asked()
        assert raised.value.code is Code.UNREACHABLE
