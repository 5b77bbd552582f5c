"""When the provider or the harness misbehaves: an error in the harness's words, a fact, a charge, and nothing hangs."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from freehold.base.errors import FreeholdError
from freehold.base.secret import Secret
from freehold.models.answers import WRITERS
from freehold.models.answers.speech import Speech
from freehold.models.call import parse_call
from freehold.models.fake_upstream import HELLO, Behaviour
from freehold.models.http_model import Deadlines, HttpModel
from freehold.models.model import Ask
from freehold.models.policy import ModelPolicy, provider_model
from freehold.models.routes import Operation, Route
from freehold.models.tokens import Tokens
from freehold.project.price import TokenPrice
from freehold.project.providers import PROVIDERS
from freehold.project.wire_formats import WireFormat
from tests.support.models import CANARY, Bench, ask, gateway_bench, model_at, request_of, until
from tests.support.raw_provider import raw_provider, saying

FORMATS = list(WireFormat)
ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
HASTY = Deadlines(connect_s=0.3, first_byte_s=0.3, between_bytes_s=0.3)
PRICE = TokenPrice(Decimal(1000), Decimal(1000))
LONG = Speech("s", "m", ("word " * 20,) * 10, tokens=Tokens(100, 400))


def error_in(wire_format: WireFormat, payload: bytes) -> str:
    """The message of an error event, in the place where each format has it."""
    event = json.loads(payload)
    if wire_format is RESPONSES:
        assert event["type"] == "error"
        return str(event["message"])
    if wire_format is ANTHROPIC:
        assert event["type"] == "error"
    return str(event["error"]["message"])


async def settled(bench: Bench, facts: int = 1) -> None:
    await until(lambda: len(bench.facts) >= facts)
    await bench.gateway.close()
    assert bench.ledger.read().holds == {}


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Behaviour(speech=LONG, cut=True, stop_after=6), "was cut"),
        (Behaviour(speech=LONG, stall=True, stop_after=6), "said nothing for 0.3 s"),
        (Behaviour(speech=LONG, ends_early=True, stop_after=6), "ended before it was complete"),
    ],
    ids=["cut", "stall", "early end"],
)
async def test_a_stream_that_breaks_ends_in_the_harnesss_words(
    tmp_path: Path, wire_format: WireFormat, fault: Behaviour, words: str
) -> None:
    async with gateway_bench(
        tmp_path, wire_format=wire_format, behaviours=[fault], deadlines=HASTY, price=PRICE
    ) as bench:
        got = await ask(bench, wire_format, stream=True)
        assert (got.status, got.broken) == (200, False)
        whole = WRITERS[wire_format].events(LONG)
        assert got.body.startswith(b"".join(whole[:6]))
        assert words in error_in(wire_format, got.payloads[-1])
        await settled(bench)
        fact = bench.facts[0]
        assert words in fact.error
        assert fact.usage.output >= 50  # two or more pieces of 100 letters were read
        assert fact.cost_usd is not None
        assert fact.cost_usd > 0
        assert bench.ledger.read().of_run(bench.guard.run_id).usd_micro > 0
        await until(lambda: bench.upstream.open_streams == 0)


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_garbage_in_a_stream_passes_and_does_not_stop_the_count(tmp_path: Path, wire_format: WireFormat) -> None:
    fault = Behaviour(speech=LONG, garbage=True, stop_after=3)
    async with gateway_bench(tmp_path, wire_format=wire_format, behaviours=[fault]) as bench:
        got = await ask(bench, wire_format, stream=True)
        assert b"{this is no JSON" in got.body
        await settled(bench)
        assert (bench.facts[0].usage.output, bench.facts[0].error) == (400, "")


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>Sign in to the hotel's network</html>", "text/html"),
        (b"", "application/json"),
        (b"[1, 2]", "application/json"),
        (b'{"cut": ', "application/json"),
        (b"", "text/event-stream"),
    ],
)
async def test_an_answer_that_is_none(
    tmp_path: Path, wire_format: WireFormat, stream: bool, body: bytes, content_type: str
) -> None:
    fault = Behaviour(body=body, content_type=content_type)
    async with gateway_bench(tmp_path, wire_format=wire_format, behaviours=[fault]) as bench:
        got = await ask(bench, wire_format, stream=stream)
        assert got.status == 502
        assert "main" in error_in(wire_format, got.body) if wire_format is not RESPONSES else "main" in str(got.json)
        await settled(bench)
        assert [fact.status for fact in bench.facts] == [0]


async def test_a_provider_that_never_answers(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[Behaviour(stall=True)], deadlines=HASTY) as bench:
        got = await ask(bench, ANTHROPIC)
        assert (got.status, got.json["error"]["type"]) == (504, "timeout_error")
        await settled(bench)
        assert bench.facts[0].usage.input > 0  # it worked on it, and will want its money


async def test_a_provider_that_cannot_be_reached(tmp_path: Path, unused_tcp_port: int) -> None:
    policy = ModelPolicy((model_at(f"http://127.0.0.1:{unused_tcp_port}", ANTHROPIC),))
    async with gateway_bench(tmp_path, deadlines=HASTY, policy=policy) as bench:
        got = await ask(bench, ANTHROPIC)
        assert got.status == 502
        assert "cannot be reached at 127.0.0.1" in got.json["error"]["message"]
        assert f"models.main.base_url is http://127.0.0.1:{unused_tcp_port}: check" in got.json["error"]["message"]
        assert "that its server is running" in got.json["error"]["message"]
        assert bench.facts[0].usage.requests == 0
        assert bench.ledger.read().holds == {}


class NoNames(AbstractResolver):
    """Looks names up on a machine that knows none."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> Any:
        raise OSError(f"no address for {host}:{port} ({family.name})")

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    ("base_url", "hint"),
    [
        ("", "check this machine's way to api.anthropic.com: curl -sS https://api.anthropic.com/"),
        (
            "https://me:secret@models.example.test/anthropic?key=1",
            (
                "models.main.base_url is https://models.example.test/anthropic: check that it is right, and that this "
                "machine can look names up"
            ),
        ),
    ],
)
async def test_a_provider_whose_name_is_not_known(base_url: str, hint: str) -> None:
    model = provider_model("main", PROVIDERS["anthropic"], "m", Secret(CANARY), base_url=base_url, confirmed=True)
    call = parse_call(Route(ANTHROPIC, Operation.GENERATE), b'{"model": "m"}')
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=NoNames())) as session:
        with pytest.raises(FreeholdError, match="its name is not known here") as failure:
            await HttpModel(session, HASTY).ask(Ask(call, model, b"{}"))
    assert failure.value.hint == hint
    assert "secret" not in failure.value.message


async def test_a_provider_that_hangs_up(tmp_path: Path) -> None:
    async with (
        raw_provider(saying(b"")) as url,
        gateway_bench(tmp_path, policy=ModelPolicy((model_at(url, ANTHROPIC),))) as bench,
    ):
        got = await ask(bench, ANTHROPIC)
        assert "it hung up before it answered" in got.json["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Behaviour(status=307, headers={"location": "https://elsewhere.example/"}), "redirect"),
        (Behaviour(headers={"content-encoding": "gzip"}, body=b"\x1f\x8b"), "compressed"),
    ],
)
async def test_what_would_take_the_key_or_the_count_elsewhere(tmp_path: Path, fault: Behaviour, words: str) -> None:
    async with gateway_bench(tmp_path, behaviours=[fault]) as bench:
        got = await ask(bench, ANTHROPIC)
        assert got.status == 502
        assert words in got.json["error"]["message"]
        assert len(bench.upstream.seen) == 1


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_a_providers_refusal_passes_in_its_own_words_without_the_key(
    tmp_path: Path, wire_format: WireFormat, status: int
) -> None:
    async with gateway_bench(tmp_path, wire_format=wire_format, behaviours=[Behaviour(status=status)]) as bench:
        got = await ask(bench, wire_format, stream=True)
        assert got.status == status
        assert got.json["error"]["message"] == f"refused with {status}, your key was [hidden]"
        await settled(bench)
        assert (bench.facts[0].status, bench.facts[0].usage.requests) == (status, 0)
        assert f"refused with {status}" in bench.facts[0].error


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("stream", [True, False])
async def test_the_key_is_nowhere_even_when_the_provider_repeats_it(
    tmp_path: Path, wire_format: WireFormat, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = Behaviour(echo_credential=True, headers={"x-request-id": f"id-{CANARY}"})
    busy = Behaviour(status=429, headers={"retry-after": "999"})
    for fault in (echo, Behaviour(status=401), Behaviour(status=500), busy):
        async with gateway_bench(tmp_path, wire_format=wire_format, behaviours=[fault]) as bench:
            got = await ask(bench, wire_format, stream=stream)
            await settled(bench)
            assert bench.upstream.seen[0].credential == CANARY
            told = str(bench.facts) + repr(bench.gateway) + (tmp_path / "spend.json").read_text()
            assert CANARY not in got.body.decode() + str(got.headers) + told + caplog.text
            assert "[hidden]" in got.body.decode() or fault.status in (429, 500)


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_harness_that_goes_away_is_charged_and_the_provider_told(
    tmp_path: Path, wire_format: WireFormat
) -> None:
    fault = Behaviour(speech=LONG, stall=True, stop_after=6)
    async with gateway_bench(tmp_path, wire_format=wire_format, behaviours=[fault], price=PRICE) as bench:
        path, body = request_of(wire_format, stream=True)
        async with aiohttp.ClientSession() as session, session.post(bench.url + path, json=body) as response:
            await response.content.readany()
        await until(lambda: bench.upstream.open_streams == 0)
        await settled(bench)
        assert bench.upstream.abandoned == 1
        assert "went away" in bench.facts[0].error
        assert bench.facts[0].usage.output > 0
        assert bench.ledger.read().of_run(bench.guard.run_id).usd_micro > 0


async def test_a_harness_that_goes_away_before_the_answer_begins(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[Behaviour(stall=True)], price=PRICE) as bench:
        asking = asyncio.ensure_future(ask(bench, ANTHROPIC))
        await until(lambda: bench.upstream.open_streams == 1)
        asking.cancel()
        await until(lambda: bench.upstream.open_streams == 0)
        await settled(bench)
        assert "went away" in bench.facts[0].error
        assert bench.facts[0].usage.input > 0


async def test_the_end_of_the_run_ends_what_is_under_way(tmp_path: Path) -> None:
    fault = Behaviour(speech=LONG, stall=True, stop_after=6)
    async with gateway_bench(tmp_path, behaviours=[fault], price=PRICE) as bench:
        asking = [asyncio.ensure_future(ask(bench, ANTHROPIC, stream=True)) for _ in range(5)]
        await until(lambda: bench.upstream.open_streams == 5)
        await bench.gateway.close()
        assert len(bench.facts) == 5
        assert bench.ledger.read().holds == {}
        await until(lambda: bench.upstream.open_streams == 0)
        await asyncio.gather(*asking, return_exceptions=True)


async def test_a_damaged_record_of_spending_refuses_requests(tmp_path: Path) -> None:
    (tmp_path / "spend.json").write_text("{damaged")
    async with gateway_bench(tmp_path) as bench:
        got = await ask(bench, ANTHROPIC)
        assert got.status == 400
        assert "is damaged" in got.json["error"]["message"]
        assert bench.upstream.seen == []


async def test_many_streams_at_once_are_all_whole(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, wire_format=CHAT, behaviours=[Behaviour(interval_s=0.01)]) as bench:
        answers = await asyncio.gather(*(ask(bench, CHAT, stream=True) for _ in range(100)))
        whole = b"".join(WRITERS[CHAT].events(HELLO))
        assert [answer.body for answer in answers] == [whole] * 100
        await settled(bench, 100)
        assert bench.ledger.read().of_run(bench.guard.run_id).tokens == 100 * 120


async def test_a_defect_of_ours_is_told_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with gateway_bench(tmp_path) as bench:
        await bench.session.close()  # as if the keeper had closed it too early
        got = await ask(bench, ANTHROPIC)
        assert (got.status, got.json["error"]["type"]) == (500, "api_error")
        assert "Session is closed" in caplog.text
        assert bench.ledger.read().holds == {}


async def test_too_many_at_once_are_refused(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[Behaviour(stall=True)], most_at_once=3) as bench:
        waiting = [asyncio.ensure_future(ask(bench, ANTHROPIC)) for _ in range(3)]
        await until(lambda: bench.upstream.open_streams == 3)
        got = await ask(bench, ANTHROPIC)
        assert got.status == 429
        assert "under way" in got.json["error"]["message"]
        await bench.gateway.close()
        await asyncio.gather(*waiting, return_exceptions=True)
