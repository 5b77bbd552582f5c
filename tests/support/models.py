"""A model gateway between a harness and a fake provider, all on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from freehold.base.clock import SystemClock
from freehold.base.secret import Secret
from freehold.models.admission import MOST_AT_ONCE
from freehold.models.budget import Budgets
from freehold.models.circuit import Circuit
from freehold.models.event_stream import EventStream
from freehold.models.fake_upstream import OK, Behaviour, FakeUpstream
from freehold.models.gateway import ModelGateway
from freehold.models.guard import BudgetGuard
from freehold.models.http_model import Deadlines, HttpModel, open_session
from freehold.models.ledger import Ledger
from freehold.models.policy import ModelPolicy, PolicyModel
from freehold.models.record import Recorder
from freehold.models.rehearsal import Rehearsal
from freehold.project.price import TokenPrice
from freehold.project.providers import PROVIDERS
from freehold.project.wire_formats import WireFormat
from freehold.wire.events import ModelRequest

Json = dict[str, Any]

CANARY = "sk-canary-0123456789-never-seen-outside"
RUN_ID = "dev-01k0000000000000000000000x"

PROVIDER_OF = {
    WireFormat.ANTHROPIC_MESSAGES: "anthropic",
    WireFormat.OPENAI_CHAT: "openai",
    WireFormat.OPENAI_RESPONSES: "openai",
    WireFormat.GOOGLE: "google",
}
MODEL_OF = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5", "google": "gemini-2.5-pro"}


class HastyClock(SystemClock):
    """Real time, but for the waits between tries, which it only counts."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await super().sleep(0)


class Bench:
    """`url` is the gateway's, as a harness is given it; `facts` is what it told."""

    def __init__(self, upstream: FakeUpstream) -> None:
        self.upstream = upstream
        self.facts: list[ModelRequest] = []
        self.spent: list[str] = []
        self.url = ""
        self.upstream_url = ""
        self.clock = HastyClock()
        self.session: aiohttp.ClientSession
        self.gateway: ModelGateway
        self.guard: BudgetGuard
        self.ledger: Ledger


def model_at(url: str, wire_format: WireFormat, name: str = "main", price: TokenPrice | None = None) -> PolicyModel:
    """A model of the format's provider that answers at a fake upstream, with a key that must not be seen."""
    provider = PROVIDER_OF[wire_format]
    return PolicyModel(
        name=name,
        provider=provider,
        model=MODEL_OF[provider],
        base_url=f"{url}/v1" if provider == "openai" else url,
        wire_formats=PROVIDERS[provider].wire_formats,
        key=Secret(CANARY),
        key_hosts=frozenset({"127.0.0.1"}),
        price=price,
    )


_PATHS = {
    WireFormat.ANTHROPIC_MESSAGES: "/model/anthropic/v1/messages",
    WireFormat.OPENAI_CHAT: "/model/openai/v1/chat/completions",
    WireFormat.OPENAI_RESPONSES: "/model/openai/v1/responses",
}


def request_of(
    wire_format: WireFormat, *, stream: bool = False, tools: bool = False, model: str = "main", text: str = "hi"
) -> tuple[str, Json]:
    """The path and the body of a small request."""
    if wire_format is WireFormat.GOOGLE:
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        body: Json = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
        if tools:
            body["tools"] = [{"functionDeclarations": [{"name": "run_shell_command", "parameters": {}}]}]
        return f"/model/google/v1beta/models/{model}:{verb}", body
    body = {"model": model, "stream": stream}
    if wire_format is WireFormat.OPENAI_RESPONSES:
        body["input"] = [{"type": "message", "role": "user", "content": text}]
        tool: Json = {"type": "function", "name": "exec_command", "parameters": {"properties": {"cmd": {}}}}
    else:
        body["messages"] = [{"role": "user", "content": text}]
        tool = {"type": "function", "function": {"name": "bash", "parameters": {}}}
    if wire_format is WireFormat.ANTHROPIC_MESSAGES:
        body["max_tokens"] = 1000
        tool = {"name": "Bash", "input_schema": {}}
    if tools:
        body["tools"] = [tool]
    return _PATHS[wire_format], body


@dataclass(frozen=True)
class Got:
    """What a harness received. `broken` when the connection was cut before the answer's end."""

    status: int
    headers: dict[str, str]
    body: bytes
    broken: bool = False

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def payloads(self) -> list[bytes]:
        events = EventStream()
        return [*events.feed(self.body).payloads, *events.finish().payloads]


async def ask(
    bench: Bench, wire_format: WireFormat, *, headers: dict[str, str] | None = None, body: Json | None = None,
    **request: Any,
) -> Got:  # fmt: skip
    """Ask as a harness does, and read the whole answer; `body` is laid over the small request."""
    path, small = request_of(wire_format, **request)
    credentials = {"x-api-key": "kept-by-freehold", "authorization": "Bearer kept-by-freehold"}
    data = io.BytesIO(msgspec.json.encode(small | (body or {})))
    sent = credentials | (headers or {})
    async with aiohttp.ClientSession() as session, session.post(bench.url + path, data=data, headers=sent) as response:
        received, broken = b"", False
        try:
            async for chunk in response.content.iter_any():
                received += chunk
        except aiohttp.ClientPayloadError:
            broken = True
        names = {name.lower(): value for name, value in response.headers.items()}
        return Got(response.status, names, received, broken)


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks go on until `condition` holds; what never comes true ends in `TimeoutError`."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """The address at which `app` is served while the block runs."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def gateway_bench(
    folder: Path,
    *,
    wire_format: WireFormat = WireFormat.ANTHROPIC_MESSAGES,
    behaviours: Iterable[Behaviour] = (OK,),
    budgets: Budgets | None = None,
    names: tuple[str, ...] = ("main",),
    price: TokenPrice | None = None,
    server_tools: frozenset[str] = frozenset(),
    deadlines: Deadlines | None = None,
    policy: ModelPolicy | None = None,
    rehearsal: Rehearsal | None = None,
    recorder: Recorder | None = None,
    most_at_once: int = MOST_AT_ONCE,
) -> AsyncIterator[Bench]:
    """A gateway for one run in front of a fake upstream; each of `names` is a model there."""
    bench = Bench(FakeUpstream(behaviours))
    async with serving(bench.upstream.app) as upstream_url, open_session() as session:
        bench.upstream_url, bench.session = upstream_url, session
        models = tuple(model_at(upstream_url, wire_format, name, price) for name in names)
        bench.ledger = Ledger(folder / "spend.json", bench.clock)
        bench.guard = BudgetGuard(RUN_ID, budgets or Budgets(), bench.ledger, bench.clock, bench.spent.append)
        bench.gateway = ModelGateway(
            policy or ModelPolicy(models, server_tools),
            bench.guard,
            HttpModel(session, deadlines),
            bench.clock,
            bench.facts.append,
            circuit=Circuit(),
            rehearsal=rehearsal,
            recorder=recorder,
            most_at_once=most_at_once,
        )
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", bench.gateway.handle)
        async with serving(app) as url:
            bench.url = url
            try:
                yield bench
            finally:
                await bench.gateway.close()
