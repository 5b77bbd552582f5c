"""The parts of the model gateway's measurement that are processes of their own: the provider, and the gateway."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from freehold.base.clock import SystemClock
from freehold.base.secret import Secret
from freehold.base.sockets import listen_unix
from freehold.models.budget import Budgets
from freehold.models.gateway import ModelGateway
from freehold.models.guard import BudgetGuard
from freehold.models.http_model import HttpModel, open_session
from freehold.models.ledger import Ledger
from freehold.models.policy import ModelPolicy, PolicyModel
from freehold.project.budget import Budget
from freehold.project.price import TokenPrice
from freehold.project.wire_formats import WireFormat

CHUNKS = 100
INTERVAL_S = 0.05
EVENTS_BESIDE = 4
"""The first one, the end, the usage, and [DONE]."""
MODEL_PATH = "/model/openai/v1/chat/completions"
PROVIDER_PATH = "/v1/chat/completions"
_TEXT = "x" * 40_000
_USAGE = {"prompt_tokens": 10_000, "completion_tokens": CHUNKS, "total_tokens": 10_000 + CHUNKS}


def body_of(phase: float, chunks: int) -> dict[str, object]:
    """A request for so many events. `phase` (0 to 1) is when in each interval they are sent: streams that are asked
    for together must not speak together, or the median would show how a burst is worked off."""
    messages = [{"role": "user", "content": _TEXT}]
    return {"model": "bench", "stream": True, "messages": messages, "max_tokens": chunks, "temperature": phase}


def sent_at(line: bytes) -> float | None:
    """When the provider sent an event (its monotonic clock, which is the machine's); None for the last events."""
    _, mark, rest = line.partition(b'"at": ')
    return float(rest.partition(b"}")[0]) if mark else None


async def stream(request: web.Request) -> web.StreamResponse:
    """Chat completions at a steady pace, each with the time in it."""
    asked = await request.json()
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await response.write(_event({"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}))
    due = (time.monotonic() // INTERVAL_S + 1 + asked["temperature"]) * INTERVAL_S
    for _ in range(asked["max_tokens"]):
        due += INTERVAL_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        choices = [{"index": 0, "delta": {"content": "a few words of text"}, "at": time.monotonic()}]
        await response.write(_event({"id": "c", "object": "chat.completion.chunk", "choices": choices}))
    end = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    await response.write(_event(end) + _event({"id": "c", "choices": [], "usage": _USAGE}) + b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _event(table: object) -> bytes:
    return b"data: " + json.dumps(table).encode() + b"\n\n"


async def provide() -> None:
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post(PROVIDER_PATH, stream)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


async def keep(folder: Path, port: str) -> None:
    """A gateway with a budget to keep, on a run's socket."""
    clock = SystemClock()
    budgets = Budgets(agent=Budget(tokens_per_run=10**9, usd_per_run=10**6))
    guard = BudgetGuard("bench", budgets, Ledger(folder / "spend.json", clock), clock, print, "bench")
    model = PolicyModel(
        "bench", "openai", "gpt-5", f"http://127.0.0.1:{port}/v1", frozenset({WireFormat.OPENAI_CHAT}),
        Secret("sk-bench-key"), key_hosts=frozenset({"127.0.0.1"}), price=TokenPrice(Decimal(1), Decimal(10)),
    )  # fmt: skip
    policy = ModelPolicy((model,))
    async with open_session() as session:
        gateway = ModelGateway(policy, guard, HttpModel(session), clock, lambda _: None)
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", gateway.handle)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        await runner.setup()
        await web.SockSite(runner, listen_unix(folder / "run.sock", 0o600, backlog=1024)).start()
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    asyncio.run(provide() if role == "provide" else keep(Path(arguments[0]), arguments[1]))
