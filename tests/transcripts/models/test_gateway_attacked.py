"""A provider and a harness that mean harm: no key gets out, no budget is overspent, nothing hangs or fills up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from freehold.models.answers.speech import Speech
from freehold.models.budget import Budgets
from freehold.models.event_stream import LONGEST_HELD
from freehold.models.fake_upstream import Behaviour
from freehold.models.http_model import Deadlines
from freehold.models.policy import ModelPolicy
from freehold.models.tokens import Tokens
from freehold.project.budget import Budget
from freehold.project.price import TokenPrice
from freehold.project.wire_formats import WireFormat
from tests.support.models import CANARY, Bench, Got, ask, gateway_bench, model_at, request_of, until
from tests.support.raw_provider import STREAM_HEAD, Script, answer, chunk, raw_provider, saying

ANTHROPIC, CHAT, _, GOOGLE = WireFormat
PRICE = TokenPrice(Decimal(1000), Decimal(1000))
KEY = CANARY.encode()
HASTY = Deadlines(connect_s=1.0, first_byte_s=5.0, between_bytes_s=5.0)
Json = dict[str, Any]


@contextlib.asynccontextmanager
async def facing(folder: Path, script: Script, wire_format: WireFormat = ANTHROPIC) -> AsyncIterator[Bench]:
    async with raw_provider(script) as url:
        policy = ModelPolicy((model_at(url, wire_format, price=PRICE),))
        async with gateway_bench(folder, wire_format=wire_format, policy=policy, deadlines=HASTY) as bench:
            yield bench


async def settled(bench: Bench) -> None:
    """The request is told, nothing is left set aside, and nowhere stands the key."""
    await until(lambda: len(bench.facts) >= 1)
    await bench.gateway.close()
    assert bench.ledger.read().holds == {}
    assert CANARY not in str(bench.facts)


def seen_by(got: Got) -> str:
    return f"{got.status} {got.headers} {got.body.decode('latin-1')}"


def error_body(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": CANARY}}).encode()


@pytest.mark.parametrize(
    "script",
    [
        answer(b"{}", status=401, head=b"Content-Type: " + KEY + b"\r\nX-RateLimit-" + KEY + b": " + KEY + b"\r\n"),
        answer(error_body(CANARY), status=400),
        answer(error_body("x" * 480 + CANARY), status=422),
        answer(error_body("x" * 280 + CANARY), status=500),
        answer(b'{"error": {"message": "' + b"".join(b"\\u%04x" % code for code in KEY) + b'"}}', status=400),
        answer(b'[{"error": {"message": "' + KEY + b'"}}]', status=404),
        answer(b'{"' + KEY + b'": "' + KEY + b'"}'),
        saying(b"HTTP/1.1 403 " + KEY + b"\r\nContent-Length: 2\r\n\r\n{}"),
        saying(b"HTTP/1.1 200 " + KEY + b"\r\nLocation: " + KEY + b"\r\n" + KEY + b"\r\n\r\n"),
        saying(STREAM_HEAD + chunk(b'data: {"error": {"message": "' + b"x" * 480 + KEY + b'"}}\n\n') + b"0\r\n\r\n"),
    ],
)
async def test_a_key_that_comes_back_is_hidden(tmp_path: Path, script: Script) -> None:
    async with facing(tmp_path, script) as bench:
        got = await ask(bench, ANTHROPIC, stream=True)
        assert CANARY not in seen_by(got)
        assert CANARY[:12] not in json.dumps(got.json) if got.headers["content-type"] == "application/json" else True
        await settled(bench)
        assert CANARY[:12] not in str(bench.facts)


@pytest.mark.parametrize("cut", range(1, len(CANARY), 6))
async def test_a_key_in_an_endless_line_is_hidden_wherever_it_is_cut(tmp_path: Path, cut: int) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunk(b"data: " + b"x" * LONGEST_HELD))
        for _ in range(20):
            for part in (KEY[:cut], KEY[cut:], b"x" * 70_000):
                writer.write(chunk(part))
                await writer.drain()
                await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async with facing(tmp_path, endless) as bench:
        got = await ask(bench, ANTHROPIC, stream=True)
        assert got.broken
        assert len(got.body) > LONGEST_HELD
        assert KEY not in got.body
        assert b"[hidden]" in got.body
        await settled(bench)
        assert "ended before it was complete" in bench.facts[0].error


@pytest.mark.parametrize(
    ("script", "status"),
    [
        *((answer(b"{}", status=status, head=b"Location: http://127.0.0.1:1/\r\n"), 502) for status in (301, 307, 399)),
        (saying(b"HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n"), 502),
        (saying(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), 502),
        (saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 500), 502),
        (saying(b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"), 502),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 502),
        (saying(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"), 502),
        (saying(b"\x00\x01garbage\r\n\r\n"), 502),
        (answer(b"\x1f\x8b" * 50, head=b"Content-Encoding: GZIP\r\n"), 502),
        (answer(b"\x1f\x8b" * 50, head=b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\n"), 502),
        (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 502),
        (answer(b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}"), 502),
        (answer(b'{"a": [' + b"[]," * 400_000 + b"[]]}"), 502),
        (answer(b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", status=400), 400),
        (answer(b"{}", status=429, head=b"Retry-After: Mon, 01 Jan 99999999999999999999 00:00:00 GMT\r\n"), 429),
        (answer(b"{}", status=429, head=b"Retry-After: Mon, 01 Jan 2026 00:00:00 +99999999999999\r\n"), 429),
    ],
)
async def test_what_is_no_answer_is_an_error_in_the_harnesss_words(
    tmp_path: Path, script: Script, status: int
) -> None:  # fmt: skip
    async with facing(tmp_path, script) as bench:
        got = await ask(bench, ANTHROPIC)
        assert got.status == status
        assert got.json["type"] == "error"
        await settled(bench)


async def test_a_reader_that_stands_still_stops_the_provider(tmp_path: Path) -> None:
    written = 0

    async def pour(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(STREAM_HEAD)
        event = b'data: {"type": "ping", "x": "' + b"x" * 60_000 + b'"}\n\n'
        while True:
            writer.write(chunk(event))
            await writer.drain()
            written += len(event)

    async with facing(tmp_path, pour) as bench:
        host, port = bench.url.removeprefix("http://").split(":")
        path, body = request_of(ANTHROPIC, stream=True)
        data = json.dumps(body).encode()
        _reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(data), data))
        before = -1
        while before != written:  # until the provider, too, stands still
            before = written
            await asyncio.sleep(0.3)
        assert 0 < written < 64 * 1024 * 1024  # what the sockets of the kernel hold, and little more
        writer.transport.abort()
        await settled(bench)
        assert "went away" in bench.facts[0].error


CLOSE = b"Connection: close\r\n"


def raw_request(body: bytes, headers: bytes = CLOSE, path: bytes = b"/model/anthropic/v1/messages") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (path, headers, len(body), body)


async def say_raw(bench: Bench, data: bytes) -> bytes:
    """Everything that is answered until the gateway hangs up."""
    host, port = bench.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    async with asyncio.timeout(10):
        answered = await reader.read()
    writer.close()
    return answered


SMALL = json.dumps(request_of(ANTHROPIC)[1]).encode()


@pytest.mark.parametrize(
    "headers",
    [
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: -3\r\n",
        b"User-Agent: a\r\n x-api-key: b\r\n",
        b"User-Agent: a\nx-api-key: b\r\n",
        b"User-Agent: a\rx-api-key: b\r\n",
        b"User-Agent: a\x00b\r\n",
    ],
)
async def test_a_request_of_two_meanings_reaches_nobody(tmp_path: Path, headers: bytes) -> None:
    async with gateway_bench(tmp_path) as bench:
        smuggled = b"0\r\n\r\n" + raw_request(SMALL)
        answered = await say_raw(bench, raw_request(smuggled if b"chunked" in headers else SMALL, headers))
        assert b" 200 " not in answered
        assert bench.upstream.seen == []


async def test_requests_in_a_row_are_answered_in_their_order(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path) as bench:
        row = [raw_request(SMALL, b""), raw_request(SMALL, b"", b"/model/anthropic/v1/files"), raw_request(SMALL)]
        answered = await say_raw(bench, b"".join(row))
        assert re.findall(rb"HTTP/1.1 (\d+)", answered) == [b"200", b"404", b"200"]
        assert len(bench.upstream.seen) == 2


@pytest.mark.parametrize("headers", [b"User-Agent: a\xff\r\n", b"anthropic-beta: \xc3\xa9\r\n"])
async def test_headers_that_cannot_be_passed_on_are_left_out(tmp_path: Path, headers: bytes) -> None:
    async with gateway_bench(tmp_path) as bench:
        assert b" 200 " in await say_raw(bench, raw_request(SMALL, headers + CLOSE))
        assert "anthropic-beta" not in bench.upstream.seen[0].headers
        assert bench.ledger.read().holds == {}


async def test_the_provider_reads_what_was_checked(tmp_path: Path) -> None:
    """A body in UTF-7 or UTF-16 would be another one to a provider that believed the harness's content type."""
    async with gateway_bench(tmp_path) as bench:
        await ask(bench, ANTHROPIC, headers={"content-type": "application/json; charset=utf-7", "accept": "text/plain"})
        sent = bench.upstream.seen[0].headers
        assert (sent["content-type"], sent["accept"]) == ("application/json", "*/*")


@pytest.mark.parametrize(
    "path",
    [
        "/model/anthropic/v1/messages/batches", "/model/anthropic/v1/files", "/model/anthropic//v1/messages",
        "/model/anthropic/v1/%6dessages", "/model/anthropic/v1/messages%00", "/model/anthropic/v1/messages;x",
        "/model/openai/v1/realtime", "/model/openai/v1/files", "/model/openai/v1/responses/resp_1",
        "/model/openai/v1/chat/deferred-completion/1", "/model/openai/v1/containers", "/model/openai/v1/conversations",
        "/model/google/v1beta/cachedContents", "/model/google/upload/v1beta/files", "/model/google/v1beta/models/m:x",
    ],
)  # fmt: skip
async def test_no_other_path_passes(tmp_path: Path, path: str) -> None:
    async with gateway_bench(tmp_path) as bench:
        answered = await say_raw(bench, raw_request(SMALL, path=path.encode()))
        assert answered.startswith(b"HTTP/1.1 404")
        assert bench.upstream.seen == []


@pytest.mark.parametrize(
    "body",
    [
        {"max_tokens": 10**40},
        {"max_tokens": 5.5},
        {"thinking": {"budget_tokens": 10**40}},
        {"service_tier": "x" * 1000, "speed": "y"},
        {"x": 10**400},
    ],
)
async def test_no_number_breaks_the_ledger(tmp_path: Path, body: Json) -> None:
    async with gateway_bench(tmp_path, price=PRICE) as bench:
        got = await ask(bench, ANTHROPIC, body=body)
        assert got.status == 200
        await settled(bench)


@pytest.mark.parametrize(
    ("budget", "most"),
    [
        (Budget(tokens_per_run=20_000), lambda spent: spent.tokens <= 20_000),
        (Budget(usd_per_run=20.0), lambda spent: spent.usd_micro <= 20_000_000),
        (Budget(turns_per_run=7), lambda spent: spent.turns <= 7),
    ],
)
async def test_forty_at_once_do_not_overspend(tmp_path: Path, budget: Budget, most: Any) -> None:
    """Each answer is as long as it may be, so that together they would cost twice the budget."""
    longest = Speech("s", "m", ("x",), tokens=Tokens(input=20, output=1000))
    async with gateway_bench(
        tmp_path, behaviours=[Behaviour(speech=longest, interval_s=0.005)], budgets=Budgets(agent=budget), price=PRICE
    ) as bench:
        answers = await asyncio.gather(*(ask(bench, ANTHROPIC, stream=True, tools=True) for _ in range(40)))
        statuses = Counter(got.status for got in answers)
        assert set(statuses) == {200, 400}
        assert len(bench.spent) == 1
        await settled(bench)
        spent = bench.ledger.read().of_run(bench.guard.run_id)
        assert most(spent)
        assert spent.turns == statuses[200]


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -5, "output_tokens": -7},
        {"input_tokens": 0, "output_tokens": 0},
        {},
        None,
        {"output_tokens": True},
    ],
)
async def test_an_answer_without_a_bill_is_charged_all_the_same(tmp_path: Path, usage: object) -> None:
    body = json.dumps({"type": "message", "content": [], "usage": usage}).encode()
    async with facing(tmp_path, answer(body)) as bench:
        assert (await ask(bench, ANTHROPIC)).status == 200
        await settled(bench)
        assert bench.facts[0].usage.input > 0
        assert bench.ledger.read().of_run(bench.guard.run_id).usd_micro > 0


@pytest.mark.parametrize(
    ("wire_format", "body"),
    [
        (ANTHROPIC, {"model": "m" * 10**6}),
        (ANTHROPIC, {"tools": [{"type": "\x1b]0;x\x07" * 10**5}]}),
        (CHAT, {"models": ["\x1b[2J" * 10**5]}),
        (CHAT, {"models": [{"model": {"a": "b" * 10**6}}]}),
    ],
)
async def test_what_was_asked_is_not_repeated_at_length(
    tmp_path: Path, wire_format: WireFormat, body: Json
) -> None:  # fmt: skip
    async with gateway_bench(tmp_path, wire_format=wire_format) as bench:
        got = await ask(bench, wire_format, body=body)
        assert got.status in (400, 403, 404)
        assert len(got.body) < 1000
        assert len(bench.facts[0].model) <= 200
        assert len(bench.facts[0].error) < 500
        assert bench.facts[0].error.isprintable()
