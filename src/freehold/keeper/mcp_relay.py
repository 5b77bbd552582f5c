"""`/mcp/<name>` on a run's socket: a configured MCP server, its credential added outside the container.

Streamable HTTP (MCP specification 2025-11-25, "Transports", and 2026-07-28): POST with an answer in JSON or SSE, GET
for SSE, DELETE to end a session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlsplit

import aiohttp
from aiohttp import hdrs, web

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.pace import Pace
from freehold.base.secret import Secret, redact
from freehold.base.words import one_of
from freehold.keeper.stream_redaction import StreamRedactor
from freehold.project.mcp import McpSpec
from freehold.wire.events import Egress

LARGEST_REQUEST = 4 * 1024 * 1024
LARGEST_ANSWER = 64 * 1024 * 1024
MOST_AT_ONCE = 32
REQUESTS_PER_SECOND, REQUEST_BURST = 20.0, 200.0
"""A request above this waits its turn: each one is a fact in the run's events."""
BODY_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 15.0
SILENCE_TIMEOUT_S = 600.0
"""Between two pieces of an answer; servers keep an SSE stream alive more often than that."""

_METHODS = frozenset({hdrs.METH_POST, hdrs.METH_GET, hdrs.METH_DELETE})
_REQUEST_HEADERS = (
    "Accept", "Content-Type", "Mcp-Session-Id", "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name", "Last-Event-ID",
)  # fmt: skip
_ANSWER_HEADERS = ("Content-Type", "Cache-Control", "Mcp-Session-Id", "Mcp-Protocol-Version", "Retry-After", "Allow")


@dataclass(frozen=True)
class McpServer:
    """A server as configured, with the credential that opens it (None: none is needed)."""

    spec: McpSpec
    credential: Secret | None = None

    def headers(self) -> dict[str, str]:
        if self.credential is None:
            return {}
        return {self.spec.header: f"{self.spec.scheme} {self.credential.reveal()}".strip()}


class McpRelay:
    """Relays to the configured servers of one run, and to nothing else: the URL is theirs to the letter.

    `http` is made by `mcp_client`. `audit` is told a fact per request. Raises `FreeholdError`: NOT_FOUND, TOO_LARGE,
    BUSY, CREDENTIAL, UPSTREAM, TIMEOUT; the run socket makes answers of it, or cuts an answer that has begun.
    """

    def __init__(
        self,
        servers: Iterable[McpServer],
        http: aiohttp.ClientSession,
        audit: Callable[[Egress], None],
        clock: Clock | None = None,
    ) -> None:
        self._servers = {server.spec.name: server for server in servers if server.spec.url}
        self._http = http
        self._audit = audit
        self._clock = clock or SystemClock()
        self._pace = Pace(REQUESTS_PER_SECOND, REQUEST_BURST)
        self._places = asyncio.BoundedSemaphore(MOST_AT_ONCE)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        server = self._servers.get(name)
        if server is None:
            hint = f"MCP servers of this agent: {one_of(self._servers)}"
            raise FreeholdError(Code.NOT_FOUND, f'there is no MCP server "{name[:100]}"', hint)
        if request.method not in _METHODS:
            raise web.HTTPMethodNotAllowed(request.method, _METHODS)
        if self._places.locked():
            raise FreeholdError(Code.BUSY, f"{MOST_AT_ONCE} requests to MCP servers are under way", "wait for some")
        async with self._places:
            await self._clock.sleep(self._pace.take(self._clock.monotonic()))
            return await self._audited(request, server)

    async def _audited(self, request: web.Request, server: McpServer) -> web.StreamResponse:
        exchange = _Exchange(request, server, self._http)
        started = self._clock.monotonic()
        try:
            return await exchange.run()
        finally:
            url = urlsplit(server.spec.url)
            self._audit(
                Egress(
                    host=url.hostname or "",
                    port=url.port or (443 if url.scheme == "https" else 80),
                    allowed=True,
                    reason=f"MCP server {server.spec.name}: {exchange.told}",
                    bytes_out=exchange.bytes_out,
                    bytes_in=exchange.bytes_in,
                    duration_s=round(self._clock.monotonic() - started, 3),
                )
            )


class _Exchange:
    """One request and its answer. `told` says in a few words how it went."""

    def __init__(self, request: web.Request, server: McpServer, http: aiohttp.ClientSession) -> None:
        self._request = request
        self._server = server
        self._http = http
        self._secrets = [server.credential] if server.credential else []
        self.told = "cut"
        self.bytes_out = 0
        self.bytes_in = 0

    async def run(self) -> web.StreamResponse:
        body = await self._read_body()
        headers = _only(self._request.headers, _REQUEST_HEADERS) | self._server.headers()
        try:
            async with self._http.request(
                self._request.method,
                self._server.spec.url,
                data=BytesIO(body) if body else None,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                self.told = f"{answer.status}, cut"
                self._check(answer)
                response = await self._pass_on(answer)
                self.told = str(answer.status)
                return response
        except TimeoutError:
            self.told = "timeout"
            raise FreeholdError(Code.TIMEOUT, f"{self._name} did not answer in time", "try again later") from None
        except aiohttp.ClientError as error:
            self.told = "not reached"
            message = redact(f"{self._name} cannot be reached: {error}", self._secrets)
            raise FreeholdError(Code.UPSTREAM, message, "is the server up?") from None

    @property
    def _name(self) -> str:
        return f'the MCP server "{self._server.spec.name}"'

    async def _read_body(self) -> bytes:
        data = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                async for chunk in self._request.content.iter_any():
                    data += chunk
                    if len(data) > LARGEST_REQUEST:
                        message = f"the request is larger than {LARGEST_REQUEST >> 20} MB"
                        raise FreeholdError(Code.TOO_LARGE, message, "send less at once")
        except TimeoutError:
            message = f"the body did not come within {BODY_TIMEOUT_S:.0f} s"
            raise FreeholdError(Code.TIMEOUT, message, "send it at once") from None
        self.bytes_out = len(data)
        return bytes(data)

    def _check(self, answer: aiohttp.ClientResponse) -> None:
        """Refuse what must not reach the harness: a redirect, and a demand for credentials that it cannot meet."""
        if 300 <= answer.status < 400 and answer.status != 304:
            message = f"{self._name} redirects, and its credential does not follow"
            place = redact(answer.headers.get("Location", "elsewhere").partition("?")[0][:200], self._secrets)
            hint = f"it redirects to {place}: write that in [mcp.{self._server.spec.name}] url if you trust it"
            raise FreeholdError(Code.UPSTREAM, message, hint)
        if answer.status in (401, 407):
            hint = f"check `credential`, `header` and `scheme` in [mcp.{self._server.spec.name}] of config.toml"
            raise FreeholdError(Code.CREDENTIAL, f"{self._name} refuses the credential", hint)

    async def _pass_on(self, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        redactor = StreamRedactor(self._secrets)
        headers = {name: redact(text, self._secrets) for name, text in _only(answer.headers, _ANSWER_HEADERS).items()}
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(self._request)
        async for piece in answer.content.iter_any():
            self.bytes_in += len(piece)
            if self.bytes_in > LARGEST_ANSWER:
                message = f"{self._name} answers with more than {LARGEST_ANSWER >> 20} MB"
                raise FreeholdError(Code.UPSTREAM, message, "ask for less")
            await response.write(redactor.feed(piece))
        await response.write(redactor.end())
        await response.write_eof()
        return response


def _only(headers: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def mcp_client() -> aiohttp.ClientSession:
    """The client for MCP servers, shared by all runs; close it at the end.

    No cookies, no proxies of the environment; nothing is sent compressed unless a server insists, and then it is
    unpacked, so that a credential in an answer can be found.
    """
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S),
        headers={"Accept-Encoding": "identity", "User-Agent": "freehold"},
        skip_auto_headers=["Content-Type"],
    )
