"""What the gateway does not let in, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from freehold import __version__
from freehold.base.errors import Code, FreeholdError
from freehold.gateway import bodies
from freehold.gateway.health import UNTOLD
from freehold.wire.addressee import HEADER as ADDRESSEE
from freehold.wire.service import API
from freehold.wire.versions import HEADER, OLDEST_CLIENT
from tests.support.gateway_world import PORT, GatewayWorld, errors


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200), ("127.0.0.1:8080", 200), ("[::1]:8080", 200), ("LOCALHOST:8080", 200),
        ("localhost:8081", 421), ("localhost", 421), ("evil.example:8080", 421), ("127.0.0.1.evil.example:8080", 421),
        ("localhost:8080@evil.example", 421), ("10.0.0.5:8080", 421), ("", 421), ("localhost:8080 ", 200),
    ],
)  # fmt: skip
async def test_only_our_names_are_answered(world: GatewayWorld, host: str, status: int) -> None:
    response = await world.client.get(f"{API}/status", headers={"host": host.strip()})
    assert response.status_code == status
    if status != 200:
        assert "gateway.url" in errors(response)["hint"]


async def test_whoever_asks_through_the_socket_by_a_wrong_name_is_told_the_right_one(world: GatewayWorld) -> None:
    answer = await world.asking(local=True, host="x").get(f"{API}/status")
    assert answer.status_code == 421
    assert "http://localhost/api/v1/status" in errors(answer)["hint"]
    assert "gateway.url" in errors(await world.asking(host="x").get(f"{API}/status"))["hint"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_another_project_was_asked_is_not_done(world: GatewayWorld, method: str) -> None:
    """As when a link at another project's socket leads here."""
    path = "status" if method == "GET" else "pause"
    asked = world.asking(local=True)
    refused = await asked.request(method, f"{API}/{path}", headers={ADDRESSEE: "blog"})
    assert (refused.status_code, errors(refused)["code"]) == (421, "misdirected")
    assert "and not of blog; nothing was done" in errors(refused)["message"]
    assert (await asked.get(f"{API}/status")).json()["paused"] is False
    meant = {ADDRESSEE: world.gateway.name_on_servers}
    assert (await asked.request(method, f"{API}/{path}", headers=meant)).status_code == 200


async def test_health_says_when_nothing_can_be_taken_in(world: GatewayWorld) -> None:
    """It is no 503: there is no other gateway to send to, and this one has much to tell."""
    assert (await world.anybody.get("/health")).json()["accepts"] is True
    room = world.gateway.service.database.room
    room.failed(FreeholdError(Code.DISK, "state.db: database or disk is full"))
    answer = await world.anybody.get("/health")
    told = answer.json()
    assert (answer.status_code, told["status"], told["accepts"]) == (200, "degraded", False)
    assert told["problems"] == ["state.db: database or disk is full"]
    stranger = (await world.asking(address="198.51.100.7").get("/health")).json()
    assert (stranger["problems"], stranger["accepts"]) == ([UNTOLD], False)
    local = world.asking(local=True)  # nothing is written down of who asks there
    assert (await local.get(f"{API}/status")).json()["problems"] == told["problems"]
    assert (await world.client.post(f"{API}/agents/dev/trigger", json={})).status_code == 202  # it was written
    assert (await world.anybody.get("/health")).json()["accepts"] is True


async def test_health_and_webhooks_are_answered_by_any_name(world: GatewayWorld) -> None:
    assert (await world.anybody.get("/health", headers={"host": "tunnel.example"})).status_code == 200
    headers, body = world.signed()
    response = await world.anybody.post("/webhooks/hub", content=body, headers={**headers, "host": "tunnel.example"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:8080"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:8081"}, 403),
        ({"origin": "http://localhost:8080.evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
async def test_only_our_pages_change_something(world: GatewayWorld, headers: dict[str, str], status: int) -> None:
    assert (await world.client.post(f"{API}/pause", headers=headers)).status_code == status


@pytest.mark.parametrize("query", ["key=x", "api_key=x", "TOKEN=x", "secret", "a=1&access_token=x", "name=fh_abc"])
async def test_secrets_in_addresses_are_refused_and_told_of(world: GatewayWorld, query: str) -> None:
    response = await world.client.get(f"{API}/status?{query}")
    assert response.status_code == 400
    assert "Authorization: Bearer" in errors(response)["hint"]


async def test_every_answer_carries_what_keeps_browsers_in(world: GatewayWorld) -> None:
    for path in ("/", "/health", f"{API}/status", "/nothing", f"{API}/openapi.json"):
        response = await world.client.get(path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "server" not in response.headers


async def test_large_bodies_are_refused_whatever_they_say_of_themselves(world: GatewayWorld) -> None:
    large = b"x" * (bodies.LARGEST_BODY + 1)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    stated = await world.client.post(f"{API}/agents/dev/trigger", content=large)
    chunked = await world.client.post(f"{API}/agents/dev/trigger", content=pieces())
    for response in (stated, chunked):
        assert (response.status_code, errors(response)["code"]) == (413, "too_large")
        assert response.headers["connection"] == "close"
    allowed = await world.anybody.post("/webhooks/hub", content=large)
    assert allowed.status_code == 401  # read, and found without a signature
    too_large = await world.anybody.post("/webhooks/hub", content=b"x" * (bodies.LARGEST_DELIVERY + 1))
    assert too_large.status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for(world: GatewayWorld) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    response = await world.client.post(f"{API}/agents/dev/trigger", content=pieces())
    assert (response.status_code, errors(response)["code"]) == (408, "request_timeout")


async def test_methods_that_are_not_there(world: GatewayWorld) -> None:
    response = await world.client.delete(f"{API}/status")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]
    errors(response)


async def test_the_log_has_paths_and_no_queries(world: GatewayWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "freehold")
    await world.client.get(f"{API}/runs?agent=confidential")
    told = [record for record in caplog.records if record.message == "request"]
    assert [vars(record)["path"] for record in told] == [f"{API}/runs"]
    assert "confidential" not in " ".join(str(vars(record)) for record in caplog.records if "freehold" in record.name)
    await world.client.get(f"{API}/runs/nothing")
    levels = [(vars(record)["status"], record.levelname) for record in caplog.records if record.message == "request"]
    assert levels == [(200, "DEBUG"), (404, "INFO")]  # what failed stands in the log


async def test_the_local_socket_needs_no_key_and_any_port_is_ours_there(world: GatewayWorld) -> None:
    local = world.asking(local=True, host="localhost")
    assert (await local.get(f"{API}/keys")).status_code == 200
    assert (await local.post(f"{API}/pause", headers={"origin": "http://evil.example"})).status_code == 403
    assert (await local.post(f"{API}/pause")).status_code == 200
    audit = (await local.get(f"{API}/audit")).json()
    assert audit[0]["actor"] == "local"


@pytest.mark.parametrize("sent", [{"origin": "http://localhost"}, {"sec-fetch-site": "same-origin"}])
async def test_no_browser_is_let_in_without_a_key_by_a_socket_that_leads_here(
    world: GatewayWorld, sent: dict[str, str]
) -> None:
    answer = await world.asking(local=True, host="localhost").get(f"{API}/keys", headers=sent)
    assert answer.status_code == 403
    assert "freehold console -E" in errors(answer)["hint"]


@pytest.mark.parametrize("hosts", [(f"localhost:{PORT}", "evil.example"), (f"localhost:{PORT}",) * 2])
async def test_a_request_for_two_names_is_for_none(world: GatewayWorld, hosts: tuple[str, ...]) -> None:
    response = await world.client.get(f"{API}/status", headers=[("host", host) for host in hosts])
    assert response.status_code == 421


async def test_what_does_not_work_is_nothing_for_strangers(world: GatewayWorld) -> None:
    world.scheduler.dispatcher.keeper_problem = "the keeper in /home/me/project is away"
    elsewhere = {"x-forwarded-for": "198.51.100.7"}
    told = await world.asking(local=True).get("/health")
    assert told.json()["problems"] == ["the keeper in /home/me/project is away"]
    for asking, headers in ((world.anybody, {}), (world.client, elsewhere)):
        assert (await asking.get("/health", headers=headers)).content == told.content
    strangers = [(world.anybody, elsewhere), (world.anybody, {**elsewhere, "authorization": "Bearer wrong"})]
    strangers.append((world.asking(address="198.51.100.7"), {}))
    for asking, headers in strangers:
        response = await asking.get("/health", headers=headers)
        assert (response.status_code, response.json()["status"]) == (200, "degraded")
        assert response.json()["problems"] == [UNTOLD]


async def test_a_client_that_is_too_old_is_told_what_to_install(world: GatewayWorld) -> None:
    answer = await world.client.get(f"{API}/status", headers={HEADER: "0.0.9"})
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == f"freehold/{OLDEST_CLIENT}"
    assert "0.0.9" in errors(answer)["message"]
    assert __version__ in errors(answer)["hint"]
    assert answer.headers[HEADER] == __version__
    assert (await world.client.get("/health", headers={HEADER: "0.0.9"})).status_code == 200


@pytest.mark.parametrize("version", [__version__, "99.0", "not a version"])
async def test_every_other_client_is_served_and_told_our_version(world: GatewayWorld, version: str) -> None:
    answer = await world.client.get(f"{API}/status", headers={HEADER: version})
    assert (answer.status_code, answer.headers[HEADER]) == (200, __version__)
