"""HAProxy as the edge of a server, Debian 12 and 13: whose a request is, who asks, how much, and what is kept."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import pytest

from freehold.deploy.edge_part import EdgePart
from freehold.edge.fragment import Fragment
from freehold.edge.limits import USUAL
from freehold.server.layout import HAPROXY_METRICS, Layout
from tests.support.edge_world import BLOG, SHOP, World, world_on
from tests.support.load import Answer, Place, Request
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import says, settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]


@pytest.fixture
async def world(server: SandboxServer) -> AsyncIterator[World]:
    async with world_on(server) as made:
        await made.serve_shop()
        await made.serve("blog", 8081, hosts=(BLOG,))
        yield made


def told(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer
    said: dict[str, Any] = json.loads(answer.body)
    said["headers"] = {name.lower(): value for name, value in said["headers"]}
    return said


async def test_each_name_is_its_projects_and_http_leads_to_https(world: World) -> None:
    assert told(await world.secure(SHOP).ask(Request(path="/dashboard")))["project"] == "shop"
    assert told(await world.plain(BLOG).ask(Request("POST", "/webhooks/x", body=b"1")))["project"] == "blog"
    assert told(await world.plain(BLOG.upper()).ask(Request()))["project"] == "blog"
    assert (await world.plain(BLOG).ask(Request(path="/dashboard"))).status == 403
    assert (await world.plain(BLOG).ask(Request(path="/webhooksx"))).status == 403
    assert (await world.plain("other.example.com").ask(Request())).status == 421
    moved = await world.plain(SHOP).ask(Request(path="/a?b=c"))
    assert (moved.status, moved.headers["location"]) == (301, f"https://{SHOP}/a?b=c")
    assert (await world.plain(SHOP).ask(Request("POST", "/webhooks/x"))).status == 308
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await Place(world.server.address, 443, BLOG, world.tls).ask(Request())
    wrong = Place(world.server.address, 443, SHOP, world.tls)
    connection = await wrong.connect()
    assert (await connection.ask(Request(), BLOG)).status == 421  # a name that was not certified to the client
    await connection.close()


async def test_tls_is_of_this_decade(world: World) -> None:
    context = world.tls
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection(world.server.address, 443, ssl=context, server_hostname=SHOP)
    secured = writer.get_extra_info("ssl_object")
    assert (secured.version(), secured.selected_alpn_protocol()) == ("TLSv1.3", "h2")
    writer.close()
    for version, works in (("-tls1_2", True), ("-tls1_1", False)):
        words = ["openssl", "s_client", "-connect", f"{world.server.address}:443", "-servername", SHOP, version]
        words += ["-cipher", "ALL@SECLEVEL=0"]
        said = (await asyncio.to_thread(subprocess.run, words, input=b"", capture_output=True)).stdout.decode()
        assert ("Cipher is (NONE)" not in said) is works, said
    answer = await world.secure(SHOP).ask(Request())
    assert "strict-transport-security" not in answer.headers  # its authority is nobody's
    assert "server" not in answer.headers


async def test_a_visitor_cannot_say_who_asks(world: World) -> None:
    lies = ("X-Forwarded-For", "CF-Connecting-IP", "X-Real-IP", "True-Client-IP")
    headers = (
        *((name, "203.0.113.9") for name in lies),
        ("Forwarded", "for=203.0.113.9"),
        ("X-Forwarded-Proto", "ftp"),
    )
    said = told(await world.secure(SHOP).ask(Request(headers=headers)))["headers"]
    mine = await world.my_address()
    assert said["x-forwarded-for"] == mine
    assert said["x-forwarded-proto"] == "https"
    assert not {"cf-connecting-ip", "x-real-ip", "true-client-ip", "forwarded"} & set(said)


async def test_behind_cloudflare_its_word_counts_and_nobody_elses(world: World) -> None:
    mine = await world.my_address()
    behind: dict[str, Any] = {
        "hosts": (SHOP,),
        "certificate": Layout("shop").certificate,
        "cloudflare": True,
        "hsts": True,
    }
    visitor = Request(headers=(("CF-Connecting-IP", "203.0.113.9"), ("X-Forwarded-For", "198.51.100.1")))

    part = EdgePart("shop", Fragment(project="shop", port=8080, networks=(f"{mine}/32", "2001:db8::/32"), **behind))
    await settled(world.host, part)
    answer = await world.secure(SHOP).ask(visitor)
    assert told(answer)["headers"]["x-forwarded-for"] == "203.0.113.9"
    assert answer.headers["strict-transport-security"] == "max-age=15552000"
    assert told(await world.plain(BLOG).ask(visitor))["headers"]["x-forwarded-for"] == mine  # it is not behind it

    locked = Fragment(project="shop", port=8080, networks=("198.51.100.0/24",), only_cloudflare=True, **behind)
    await settled(world.host, EdgePart("shop", locked))
    assert (await world.secure(SHOP).ask(visitor)).status == 403
    inside = f"curl -sk --resolve {SHOP}:443:127.0.0.1 https://{SHOP}/health"
    assert json.loads(await says(world.host, inside))["project"] == "shop"


async def test_one_address_may_ask_so_much_and_deliveries_and_streams_are_spared(world: World) -> None:
    await world.serve_behind_a_proxy()
    connection, place = await world.secure(SHOP).connect(), world.secure(SHOP)
    stream = await place.connect()
    status, _ = await stream.begin(Request(path="/stream"), SHOP)
    assert status == 200

    def of(visitor: str, **more: Any) -> Request:
        return Request(headers=(("CF-Connecting-IP", visitor),), **{"path": "/page", **more})

    statuses = [(await connection.ask(of("203.0.113.9"), SHOP)).status for _ in range(USUAL.requests + 50)]
    assert statuses[: USUAL.requests - 1] == [200] * (USUAL.requests - 1)
    assert statuses[-1] == 429
    busy = await connection.ask(of("203.0.113.9"), SHOP)
    assert (busy.headers["retry-after"], json.loads(busy.body)["code"]) == ("10", "rate_limited")
    # Another visitor of the same proxy, and the same one's deliveries, are not kept waiting; nor what streams already.
    assert (await connection.ask(of("203.0.113.10"), SHOP)).status == 200
    delivery = of("203.0.113.9", method="POST", path="/webhooks/test", body=b"x")
    assert {(await connection.ask(delivery, SHOP)).status for _ in range(USUAL.requests * 2)} == {200}
    # One customer of IPv6 has 2^64 addresses.
    many = [of(f"2001:db8::{number:x}") for number in range(USUAL.requests + 50)]
    assert [(await connection.ask(one, SHOP)).status for one in many][-1] == 429
    assert b"data:" in await stream.reader.readuntil(b"\n\n")
    await connection.close()
    await stream.close()


_MANY = """
import contextlib, resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
def connect(source, count):
    found = []
    for _ in range(count):
        with contextlib.suppress(ConnectionError):
            one = socket.create_connection(("198.51.100.1", 80), 20, (source, 0))
            found.append(one)
            one.sendall(b"GET /health HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n")
    return found
def answered(connections):
    count = 0
    for one in connections:
        with contextlib.suppress(ConnectionError):
            count += one.recv(12) == b"HTTP/1.1 200"
    return count
held = []
for source, count in (("198.51.100.1", 600), ("198.51.100.2", 400), ("198.51.100.3", 300), ("203.0.113.1", 100)):
    made = connect(source, count)
    print(answered(made))
    held += made
"""


async def test_neither_an_address_nor_a_network_has_all_connections(world: World) -> None:
    addresses = ("198.51.100.1/32", "198.51.100.2/32", "198.51.100.3/32", "203.0.113.1/32")
    for address in addresses:
        await says(world.host, f"ip addr add {address} dev lo")
    try:
        said = await says(world.host, f"python3 - <<'END'\n{_MANY.replace('HOST', BLOG)}\nEND")
    finally:
        for address in addresses:
            await says(world.host, f"ip addr del {address} dev lo")
    first, second, third, elsewhere = map(int, said.split())
    assert first == USUAL.connections
    assert first + second + third == USUAL.neighbours
    assert elsewhere == 100


async def test_streams_and_web_sockets_go_through(world: World) -> None:
    place = world.secure(SHOP)
    stream = await place.connect()
    status, headers = await stream.begin(Request(path="/stream"), SHOP)
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    assert b"data:" in await stream.reader.readuntil(b"\n\n")  # as it comes, and not when it is whole
    await stream.close()
    words = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    words["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 section 1.3, and its answer in the backend
    upgrade = Request(path="/socket", headers=tuple(words.items()))
    socket = await place.connect()
    assert (await socket.begin(upgrade, SHOP))[0] == 101
    socket.writer.write(b"hello")
    assert await socket.reader.readexactly(5) == b"hello"
    await socket.close()


async def test_figures_and_levers_are_roots_alone(world: World) -> None:
    await world.secure(SHOP).ask(Request())
    figures = await says(world.host, f"curl -s --unix-socket {HAPROXY_METRICS} http://localhost/metrics")
    assert 'haproxy_backend_http_responses_total{proxy="project_shop_reading",code="2xx"}' in figures
    modes = await says(world.host, "stat -c '%a %U' /run/haproxy/admin.sock /run/haproxy/metrics.sock")
    assert modes.splitlines() == ["600 root", "600 root"]
    listening = await says(world.host, "ss -Hltn | awk '{print $4}'")
    assert not [
        one for one in listening.split() if one.rpartition(":")[2] not in ("22", "80", "443") and "127.0.0" not in one
    ]


async def test_a_project_that_is_away_is_said_calmly(world: World) -> None:
    await says(world.host, "systemctl stop edge-blog.socket edge-blog.service")
    answer = await world.plain(BLOG).ask(Request())
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert b"Away for a moment" in answer.body
    assert b"<title>" in answer.body


async def test_a_project_alone_needs_no_name(server: SandboxServer) -> None:
    async with world_on(server) as world:
        await world.serve("shop", 8080)
        for name in (SHOP, server.address, "localhost"):
            assert told(await world.plain(name).ask(Request()))["project"] == "shop"
        assert (await world.plain(SHOP).ask(Request(path="/dashboard"))).status == 403
