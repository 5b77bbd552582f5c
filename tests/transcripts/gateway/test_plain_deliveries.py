"""The short way of a delivery and the long one: nobody who sends one can tell which it took."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Connection, text
from starlette.types import ASGIApp, Receive, Scope, Send

from freehold.base.clock import ManualClock
from freehold.gateway.bodies import MOST_HELD
from freehold.gateway.patient_protocol import WHOLE
from freehold.gateway.plain_deliveries import PlainDeliveries
from freehold.store import receipts
from freehold.store.receipts import Receipt
from tests.support.gateway_world import GatewayWorld, gateway_world, hooked_world

SLACK = '[webhooks.talk]\ntype = "slack"\nallowUnsigned = true\n'


@dataclass(frozen=True)
class Sent:
    """A request in the words of what differs from a right delivery."""

    name: str
    path: str = "/webhooks/hub"
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    without: str = ""
    event: str = "issues"
    body: bytes | None = None
    forged: bool = False
    times: int = 1


CASES = (
    Sent("accepted"),
    Sent("of a type", path="/webhooks/github"),
    Sent("again", times=2),
    Sent("unmatched", event="push"),
    Sent("ping", event="ping"),
    Sent("without an id", without="x-github-delivery", times=2),
    Sent("forged", forged=True),
    Sent("unsigned", without="x-hub-signature-256"),
    Sent("empty", body=b""),
    Sent("not JSON", body=b"{"),
    Sent("not UTF-8", body=b'{"a": "\xff"}'),
    Sent("too deep", body=b'{"a":' * 200 + b"1" + b"}" * 200),
    Sent("no source", path="/webhooks/nobody"),
    Sent("no name", path="/webhooks/"),
    Sent("further down", path="/webhooks/hub/more"),
    Sent("a query", path="/webhooks/hub?key=fh_secret"),
    Sent("a form", path="/webhooks/talk", body=b"command=%2Fdo&text=x&ssl_check=0"),
    Sent("an empty answer", path="/webhooks/talk", body=b"ssl_check=1"),
    Sent("another name", headers={"host": "evil.example"}),
    Sent("a page of another site", headers={"origin": "https://evil.example"}),
    Sent("a page of ours", headers={"origin": "http://localhost:8080"}),
    Sent("a cross-site page", headers={"sec-fetch-site": "cross-site"}),
    Sent("two lengths", headers={"transfer-encoding": "chunked"}),
    Sent("another method", method="PUT"),
    Sent("a challenge", method="GET"),
)


def whole(app: ASGIApp) -> ASGIApp:
    """As a server says it whose requests are here when they begin."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, WHOLE: True}, receive, send)

    return serve


async def ask(world: GatewayWorld, app: ASGIApp, sent: Sent) -> list[tuple[int, list[tuple[bytes, bytes]], object]]:
    headers, body = world.signed(event=sent.event)
    body = body if sent.body is None else sent.body
    if sent.body is not None:
        headers = world.signed(body=sent.body, event=sent.event)[0]
    if sent.forged:
        headers["x-hub-signature-256"] = f"sha256={'0' * 64}"
    if sent.path.startswith("/webhooks/talk"):
        headers["content-type"] = "application/x-www-form-urlencoded"
    headers.pop(sent.without, None)
    transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 1234))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        answers = [
            await client.request(sent.method, sent.path, headers={**headers, **sent.headers}, content=body)
            for _ in range(sent.times)
        ]
    return [(one.status_code, sorted(one.headers.raw), without_ids(one.content)) for one in answers]


def without_ids(content: bytes) -> object:
    """An answer without the ids of receipts, which differ from world to world, but with how many there are."""
    try:
        told: Any = json.loads(content)
    except ValueError:
        return content
    return {**told, "receiptId": len(told["receiptId"])} if isinstance(told, dict) and "receiptId" in told else told


async def left(world: GatewayWorld) -> tuple[list[Receipt], int, dict[str, float]]:
    """What is in the database, and what is counted, without what differs from world to world."""

    def read(connection: Connection) -> tuple[list[Receipt], int]:
        count = connection.execute(text("select count(*) from triggers")).scalar_one()
        return receipts.page(connection), count

    found, count = await world.gateway.service.database.read(read)
    figures = {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for metric in world.gateway.metrics.registry.collect()
        for sample in metric.samples
        if sample.name in ("freehold_webhooks_total", "freehold_http_request_seconds_count")
    }
    return [Receipt(**{**_fields(one), "id": "", "replay_of": ""}) for one in found], count, figures


def _fields(receipt: Receipt) -> dict[str, Any]:
    return {name: getattr(receipt, name) for name in receipt.__struct_fields__}


@pytest.mark.parametrize("sent", CASES, ids=lambda sent: sent.name)
async def test_both_ways_end_the_same(tmp_path: Path, sent: Sent) -> None:
    async with AsyncExitStack() as stack:
        worlds = [
            await stack.enter_async_context(gateway_world(hooked_world(folder, ManualClock(), project=SLACK)))
            for folder in (tmp_path / "short", tmp_path / "long")
        ]
        for world in worlds:
            world.scheduler.dispatcher.stopping = True  # what waits, waits
        short, long = worlds
        assert await ask(short, whole(short.app), sent) == await ask(long, long.app, sent)
        assert await left(short) == await left(long)


class Deaf:
    """Stands in the place of the application: who comes here took the long way."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("sent", CASES, ids=lambda sent: sent.name)
async def test_which_way_is_taken(world: GatewayWorld, sent: Sent) -> None:
    app = Deaf()
    [(status, *_), *_] = await ask(world, whole(PlainDeliveries(app, world.gateway, Counter())), sent)
    long = {"no name", "further down", "a page of another site", "a page of ours", "a cross-site page", "two lengths",
            "another method", "a challenge"}  # fmt: skip
    assert (status == 204) == bool(app.bodies) == (sent.name in long)
    assert sent.name in ("no name", "further down") or all(app.bodies)  # with its body, although it was looked at


async def test_what_is_not_whole_goes_the_long_way(world: GatewayWorld) -> None:
    app = Deaf()
    [(status, *_)] = await ask(world, PlainDeliveries(app, world.gateway, Counter()), CASES[0])
    assert status == 204


async def test_both_ways_count_what_is_held_together(world: GatewayWorld) -> None:
    held = Counter({"deliveries": MOST_HELD})
    app = Deaf()
    [(status, *_)] = await ask(world, whole(PlainDeliveries(app, world.gateway, held)), CASES[0])
    assert (status, held["deliveries"]) == (204, MOST_HELD)
    held["deliveries"] = 0
    [(status, *_)] = await ask(world, whole(PlainDeliveries(app, world.gateway, held)), CASES[0])
    assert (status, held["deliveries"]) == (200, 0)


async def test_a_defect_of_ours_is_told_as_one(world: GatewayWorld) -> None:
    world.gateway.webhooks._paces = None  # type: ignore[assignment]
    [(status, headers, told)] = await ask(world, whole(world.app), CASES[0])
    assert isinstance(told, dict)
    assert (status, told["code"]) == (500, "internal")
    assert (b"x-content-type-options", b"nosniff") in headers
