"""Under load nothing is lost, and nothing asked twice: a project restarts behind the edge, and the edge reloads."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from freehold.deploy.edge_part import EdgePart
from freehold.edge.fragment import Fragment
from tests.support.edge_backend import posts, restart, stand
from tests.support.edge_world import SHOP, World, world_on
from tests.support.load import Outcome, Request, load
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

VISITORS = 200
"""Addresses that take turns, so that no limit is met."""
RESTARTS, RELOADS = 6, 6


def visits(start: int = 0) -> Iterator[Request]:
    """Reading and posting in turns; what is posted is a number of its own."""
    for number in itertools.count(start):
        who = (("CF-Connecting-IP", f"203.0.113.{number % VISITORS + 1}"),)
        yield Request(path=f"/page/{number}", headers=who)
        yield Request("POST", "/webhooks/test", who, str(number).encode())


async def more(outcome: Outcome, count: int) -> None:
    """Until so many more were answered or lost."""
    wanted = outcome.answered + len(outcome.lost) + count
    async with asyncio.timeout(60):
        while outcome.answered + len(outcome.lost) < wanted:
            await asyncio.sleep(0.01)


async def test_a_restart_behind_the_edge_loses_nothing(server: SandboxServer) -> None:
    async with world_on(server) as world:
        await world.serve_behind_a_proxy()
        async with load(world.secure(SHOP), visits) as outcome:
            for _ in range(RESTARTS):
                await more(outcome, 300)
                await restart(world.host, "shop")
            await more(outcome, 300)
        assert outcome.lost == []
        assert set(outcome.statuses) == {200}
        taken = await posts(world.host)
        assert len(taken) == len(set(taken)), "something was posted twice"
        assert len(taken) >= outcome.answered // 2 - 16


async def test_a_reload_of_the_edge_loses_nothing(server: SandboxServer) -> None:
    async with world_on(server) as world:
        await world.serve_behind_a_proxy()
        await stand(world.host, "blog", 8081)
        async with load(world.secure(SHOP), visits) as outcome:
            await reload_often(world, outcome)
        assert outcome.lost == []
        assert set(outcome.statuses) == {200}
        taken = await posts(world.host)
        assert len(taken) == len(set(taken)), "something was posted twice"


async def reload_often(world: World, outcome: Outcome) -> None:
    """Another project comes and goes."""
    for number in range(RELOADS):
        await more(outcome, 300)
        fragment = Fragment(project="blog", port=8081, hosts=("blog.example.com",)) if number % 2 == 0 else None
        await settled(world.host, EdgePart("blog", fragment))
    await more(outcome, 300)
