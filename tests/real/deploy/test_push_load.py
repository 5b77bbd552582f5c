"""Visitors while a project is pushed: every request is answered, over connections that are kept, and no run ends."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.load import Place, Request, load
from tests.support.pushing import DEAD, Pushing, another_bundle, project
from tests.support.sandbox import SandboxServer, sandbox_server

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

_WORKERS = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """Of its own: it is the edge's only project."""
    with sandbox_server(tmp_path_factory.mktemp("load"), called="-load") as made:
        yield made


@pytest.fixture
async def shop(server: SandboxServer, tmp_path: Path) -> Pushing:
    made = project(server, tmp_path, "load")
    made.expose = True
    await made.push(process=DEAD)
    return made


def visits() -> Iterator[Request]:
    """Mostly deliveries, which no proxy may send twice, to a source that there is not: the gateway says so (404). What
    is above the edge's limit for one address (429) does not reach it."""
    for number in itertools.count():
        yield Request("POST", "/webhooks/nobody", body=b"{}") if number % 20 else Request("GET", "/health")


async def test_no_request_is_lost_while_releases_and_programs_change(shop: Pushing) -> None:
    place = Place(shop.sandbox.address, 80, shop.sandbox.address)
    async with load(place, visits, _WORKERS) as outcome:
        for number in range(8):
            shop.write(**{"agents/hello/SKILL.md": f"---\ndescription: Number {number}.\n---\nHello.\n"})
            await shop.push("hello" if number % 2 else "", process=DEAD)
        for number in range(2):
            await replace(shop, bundle=another_bundle(f"load {number}")).push(process=DEAD)
    assert outcome.lost == []
    assert set(outcome.statuses) <= {200, 404, 429}, outcome.statuses
    assert outcome.statuses[404] > 1000
    assert outcome.statuses[200] > 0
    assert json.loads(shop.health)["release"] == shop.current
