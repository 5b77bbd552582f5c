"""MCP servers through a run's socket: the credential is added outside, and never comes back."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from freehold.base.clock import FakeClock
from freehold.base.secret import Secret
from freehold.keeper import mcp_relay
from freehold.keeper.mcp_relay import McpServer
from freehold.project.mcp import McpSpec
from tests.support.outside import within
from tests.support.run_world import RunWorld, run_world

TOKEN = "tok-0123456789"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Upstream:
    """An MCP server on the loopback that answers as it is told, and remembers the last request."""

    def __init__(self) -> None:
        self.url = ""
        self.request: web.Request | None = None
        self.body = b""
        self.answer: Answer = self._list_tools

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.request, self.body = request, await request.read()
        return await self.answer(request)

    @staticmethod
    async def _list_tools(request: web.Request) -> web.StreamResponse:
        del request
        headers = {"Mcp-Session-Id": "s-1", "Set-Cookie": "a=b", "X-Other": "x"}
        return web.json_response({"jsonrpc": "2.0", "id": 1, "result": {"tools": []}}, headers=headers)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    application = web.Application()
    application.router.add_route("*", "/mcp", made.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    yield made
    await runner.cleanup()


@pytest.fixture
async def world(tmp_path: Path, upstream: Upstream) -> AsyncIterator[RunWorld]:
    servers = [
        McpServer(McpSpec("notes", url=upstream.url), Secret(TOKEN)),
        McpServer(McpSpec("keyed", url=upstream.url, header="X-Key", scheme=""), Secret(TOKEN)),
        McpServer(McpSpec("open", url=upstream.url)),
        McpServer(McpSpec("local", command=("server",))),
        McpServer(McpSpec("dead", url="http://127.0.0.1:1/mcp"), Secret(TOKEN)),
    ]
    async with run_world(tmp_path, mcp=servers) as made:
        yield made


async def ask(world: RunWorld, name: str = "notes", method: str = "POST", body: bytes = b"{}") -> tuple[int, str]:
    async with world.client() as client, client.request(method, f"/mcp/{name}", data=body) as answer:
        return answer.status, await answer.text()


async def test_the_credential_and_nothing_else_is_added(world: RunWorld, upstream: Upstream) -> None:
    headers = {
        "Accept": "application/json, text/event-stream", "Mcp-Session-Id": "s-1", "Mcp-Protocol-Version": "2025-11-25",
        "Mcp-Method": "tools/list", "Last-Event-ID": "7", "Authorization": "Bearer of-the-agent", "Cookie": "c=d",
        "X-Forwarded-For": "1.2.3.4",
    }  # fmt: skip
    async with world.client() as client, client.post("/mcp/notes", json={"id": 1}, headers=headers) as answer:
        assert (await answer.json())["result"] == {"tools": []}
        assert answer.headers["Mcp-Session-Id"] == "s-1"
        assert not {"Set-Cookie", "X-Other"} & set(answer.headers)
    assert upstream.request is not None
    got = upstream.request.headers
    assert got["Authorization"] == f"Bearer {TOKEN}"
    assert {name: got[name] for name in headers if name not in ("Authorization", "Cookie", "X-Forwarded-For")} == {
        name: value for name, value in headers.items() if name not in ("Authorization", "Cookie", "X-Forwarded-For")
    }
    assert not {"Cookie", "X-Forwarded-For"} & set(got)
    assert upstream.body == b'{"id": 1}'


async def test_header_and_scheme_are_as_configured(world: RunWorld, upstream: Upstream) -> None:
    await ask(world, "keyed")
    assert upstream.request is not None
    assert upstream.request.headers["X-Key"] == TOKEN
    assert "Authorization" not in upstream.request.headers
    await ask(world, "open")
    assert not {"Authorization", "X-Key"} & set(upstream.request.headers)


async def test_every_request_is_a_fact(world: RunWorld) -> None:
    await ask(world, body=b"12345")
    fact = world.outside.facts[0]
    assert (fact.host, fact.allowed, fact.reason) == ("127.0.0.1", True, "MCP server notes: 200")
    assert (fact.bytes_out, fact.bytes_in) == (5, 52)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_the_methods_of_the_protocol_pass(world: RunWorld, upstream: Upstream, method: str) -> None:
    await ask(world, method=method)
    assert upstream.request is not None
    assert upstream.request.method == method


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS"])
async def test_other_methods_do_not(world: RunWorld, upstream: Upstream, method: str) -> None:
    assert (await ask(world, method=method))[0] == 405
    assert upstream.request is None


@pytest.mark.parametrize("name", ["other", "local", "..%2fnotes", "notes%2f..", "NOTES"])
async def test_only_configured_servers_are_reached(world: RunWorld, upstream: Upstream, name: str) -> None:
    status, answer = await ask(world, name)
    assert status == 404
    assert upstream.request is None
    if name == "other":
        assert json.loads(answer)["hint"] == "MCP servers of this agent: dead, keyed, notes, open"


async def test_the_query_of_the_agent_does_not_reach_the_server(world: RunWorld, upstream: Upstream) -> None:
    await ask(world, "notes?x=1")
    assert upstream.request is not None
    assert upstream.request.raw_path == "/mcp"


async def test_a_stream_comes_event_by_event(world: RunWorld, upstream: Upstream) -> None:
    more = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        await more.wait()
        await response.write(b"data: 2\n\n")
        return response

    upstream.answer = stream
    async with world.client() as client, client.get("/mcp/notes") as answer:
        assert answer.content_type == "text/event-stream"
        assert await within(answer.content.readany()) == b"data: 1\n\n"
        more.set()
        assert await within(answer.content.read()) == b"data: 2\n\n"


@pytest.mark.parametrize("cut", [1, 4, len(TOKEN) - 1])
async def test_a_credential_in_an_answer_is_hidden(world: RunWorld, upstream: Upstream, cut: int) -> None:
    async def tell(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=400, headers={"Mcp-Session-Id": TOKEN})
        await response.prepare(request)
        await response.write(b"bad token " + TOKEN[:cut].encode())
        await asyncio.sleep(0.01)
        await response.write(TOKEN[cut:].encode() + b"!")
        return response

    upstream.answer = tell
    async with world.client() as client, client.post("/mcp/notes") as answer:
        assert await answer.text() == "bad token [hidden]!"
        assert answer.headers["Mcp-Session-Id"] == "[hidden]"


async def test_a_packed_answer_is_unpacked_to_be_searched(world: RunWorld, upstream: Upstream) -> None:
    async def tell(request: web.Request) -> web.StreamResponse:
        del request
        response = web.Response(text=f"token {TOKEN}")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    upstream.answer = tell
    assert await ask(world) == (200, "token [hidden]")


async def test_a_redirect_is_not_followed(world: RunWorld, upstream: Upstream) -> None:
    async def redirect(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(status=307, headers={"Location": f"https://evil.test/mcp/?token={TOKEN}"})

    upstream.answer = redirect
    status, answer = await ask(world)
    assert status == 502
    assert "https://evil.test/mcp/: write that in [mcp.notes] url" in json.loads(answer)["hint"]
    assert TOKEN not in answer


async def test_a_refused_credential_is_told_as_such(world: RunWorld, upstream: Upstream) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"}, text="no")

    upstream.answer = refuse
    status, answer = await ask(world)
    assert (status, json.loads(answer)["code"]) == (403, "credential")
    assert "[mcp.notes]" in json.loads(answer)["hint"]


async def test_a_server_that_is_down(world: RunWorld) -> None:
    status, answer = await ask(world, "dead")
    assert (status, json.loads(answer)["code"]) == (502, "upstream")
    assert TOKEN not in answer
    assert world.outside.facts[0].reason == "MCP server dead: not reached"


async def test_a_server_that_breaks_off(world: RunWorld, upstream: Upstream) -> None:
    async def breaks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    upstream.answer = breaks
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(world)
    assert world.outside.facts[0].reason == "MCP server notes: not reached"


async def test_too_large_a_request(world: RunWorld, upstream: Upstream) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(mcp_relay.LARGEST_REQUEST // 65536 + 1):
            yield bytes(65536)

    with contextlib.suppress(aiohttp.ClientError):
        async with world.client() as client, client.post("/mcp/notes", data=pieces()) as answer:
            assert answer.status == 413
    assert upstream.request is None


async def test_requests_are_paced(tmp_path: Path, upstream: Upstream) -> None:
    clock = FakeClock()
    async with run_world(tmp_path, mcp=[McpServer(McpSpec("open", url=upstream.url))], clock=clock) as world:
        for _ in range(220):
            await ask(world, "open")
    assert len(world.outside.facts) == 220
    assert clock.monotonic() == pytest.approx(1.0)


async def test_a_client_that_leaves_ends_the_request(world: RunWorld, upstream: Upstream) -> None:
    gone = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b": still here\n\n")
                await asyncio.sleep(0.01)
        except ConnectionError:
            gone.set()
        return response

    upstream.answer = endless
    async with world.client() as client:
        answer = await client.get("/mcp/notes")
        await within(answer.content.readany())
        answer.close()
    await within(gone.wait())
    assert (await world.outside.fact()).reason == "MCP server notes: 200, cut"
