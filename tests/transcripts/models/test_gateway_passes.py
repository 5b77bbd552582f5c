"""What passes the gateway: whole answers and streams, unchanged, counted, with the real key upstream only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from freehold.models.admission import LARGEST_REQUEST
from freehold.models.answers import WRITERS
from freehold.models.answers.speech import Speech
from freehold.models.fake_upstream import HELLO, OK, Behaviour
from freehold.models.gateway import ModelGateway
from freehold.models.http_model import HttpModel
from freehold.models.model import Answer, Ask
from freehold.models.policy import ModelPolicy
from freehold.models.tokens import Tokens
from freehold.project.wire_formats import WireFormat
from freehold.wire.runs import Usage
from tests.support.models import CANARY, MODEL_OF, PROVIDER_OF, ask, gateway_bench, model_at, request_of, serving, until

FORMATS = list(WireFormat)
ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_passes_unchanged_and_is_counted(tmp_path: Path, wire_format: WireFormat, stream: bool) -> None:
    async with gateway_bench(tmp_path, wire_format=wire_format) as bench:
        got = await ask(bench, wire_format, stream=stream, tools=True)
        writer = WRITERS[wire_format]
        whole = msgspec.json.encode(writer.whole(HELLO))
        assert got.body == (b"".join(writer.events(HELLO)) if stream else whole)
        assert got.status == 200
        assert got.headers["content-type"].startswith("text/event-stream" if stream else "application/json")
        await until(lambda: len(bench.facts) == 1)
        fact = bench.facts[0]
        assert fact.usage == Usage(input=100, output=20, requests=1, turns=1)
        assert (fact.model, fact.provider, fact.status, fact.error) == ("main", PROVIDER_OF[wire_format], 200, "")
        assert fact.first_byte_s is not None
        assert fact.duration_s >= fact.first_byte_s >= 0


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_upstream_sees_the_key_and_the_providers_name(tmp_path: Path, wire_format: WireFormat) -> None:
    async with gateway_bench(tmp_path, wire_format=wire_format) as bench:
        await ask(bench, wire_format, stream=True, headers={"cookie": "a=b", "openai-organization": "elsewhere"})
        seen = bench.upstream.seen[0]
        assert seen.credential == CANARY
        assert "kept-by-freehold" not in str(seen.headers)
        assert seen.headers["accept-encoding"] == "identity"
        assert {"cookie", "openai-organization"}.isdisjoint(seen.headers)
        model = MODEL_OF[PROVIDER_OF[wire_format]]
        assert model in seen.path if wire_format is GOOGLE else seen.body["model"] == model
        assert seen.body.get("stream_options") == ({"include_usage": True} if wire_format is CHAT else None)


@pytest.mark.parametrize("wire_format", [ANTHROPIC, RESPONSES, GOOGLE])
async def test_tokens_are_counted_for_nothing(tmp_path: Path, wire_format: WireFormat) -> None:
    paths = {
        ANTHROPIC: "/model/anthropic/v1/messages/count_tokens",
        RESPONSES: "/model/openai/v1/responses/input_tokens",
        GOOGLE: "/model/google/v1beta/models/main:countTokens",
    }
    async with gateway_bench(tmp_path, wire_format=wire_format) as bench, aiohttp.ClientSession() as session:
        _, body = request_of(wire_format, tools=True)
        async with session.post(bench.url + paths[wire_format], json=body) as response:
            assert (await response.json())["input_tokens"] == 42
        assert [(fact.usage, fact.cost_usd) for fact in bench.facts] == [(Usage(), 0.0)]
        assert not (tmp_path / "spend.json").exists()


async def test_events_pass_as_they_come(tmp_path: Path) -> None:
    """Every event is read by the harness before the provider says the next: nothing waits for company."""
    speech = Speech("s", "m", tuple(f"word{number} " for number in range(5)), tokens=Tokens(1, 1))
    events = WRITERS[CHAT].events(speech)
    behaviour = Behaviour(speech=speech, interval_s=0.05)
    async with gateway_bench(tmp_path, wire_format=CHAT, behaviours=[behaviour]) as bench:
        path, body = request_of(CHAT, stream=True)
        async with aiohttp.ClientSession() as session, session.post(bench.url + path, json=body) as response:
            chunks = [chunk async for chunk in response.content.iter_any()]
        assert chunks == events


async def test_a_slow_harness_slows_the_provider_down(tmp_path: Path) -> None:
    """A stream of 40 MB that nobody reads stays with the provider; memory holds a few hundred kilobytes of it."""
    speech = Speech("s", "m", ("x" * 100_000,) * 400, tokens=Tokens(1, 1))
    async with gateway_bench(tmp_path, wire_format=CHAT, behaviours=[Behaviour(speech=speech)]) as bench:
        path, body = request_of(CHAT, stream=True)
        async with (
            aiohttp.ClientSession(read_bufsize=2**14) as session,
            session.post(bench.url + path, json=body) as response,
        ):
            await response.content.readany()
            assert await _waits_for_its_reader(bench.upstream.written_bytes) < 20_000_000
            rest = await response.content.read()
        assert rest.endswith(b"data: [DONE]\n\n")


async def _waits_for_its_reader(written: Callable[[], int]) -> int:
    """How much was written when the provider had written nothing more for a while."""
    before = -1
    while before != (now := written()):
        before = now
        await asyncio.sleep(0.2)
    return before


async def test_a_request_may_be_large_but_not_too_large(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, wire_format=CHAT) as bench:
        assert (await ask(bench, CHAT, text="x" * 20_000_000)).status == 200
        got = await ask(bench, CHAT, text="x" * LARGEST_REQUEST)
        assert got.status == 413
        assert "larger than 32 MB" in got.json["error"]["message"]
        assert len(bench.upstream.seen) == 1


async def test_large_requests_have_room_together_up_to_a_bound(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, wire_format=CHAT, behaviours=[Behaviour(stall=True)]) as bench:
        asking = [asyncio.ensure_future(ask(bench, CHAT, text="x" * 20_000_000)) for _ in range(3)]
        await until(lambda: bench.upstream.open_streams == 3)
        got = await ask(bench, CHAT, text="x" * 20_000_000)
        assert (got.status, "too large together" in got.body.decode()) == (429, True)
        for request in asking:
            request.cancel()
        await until(lambda: len(bench.facts) == 4)
        bench.upstream.behave(OK)
        assert (await ask(bench, CHAT, text="x" * 20_000_000)).status == 200


async def test_an_agent_that_is_refused_all_the_time_does_not_fill_its_events(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path) as bench:
        for _ in range(130):
            assert (await ask(bench, ANTHROPIC, model="other")).status == 404
        assert 100 <= len(bench.facts) < 125


class Remembering(HttpModel):
    """Keeps what it was asked, as a leak would."""

    async def ask(self, ask: Ask) -> Answer:
        self.asked = ask
        return await super().ask(ask)


async def test_once_an_answer_begins_nothing_is_kept_of_the_request(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[Behaviour(stall=True, stop_after=3)]) as bench:
        model = Remembering(bench.session)
        bench.gateway = ModelGateway(
            ModelPolicy((model_at(bench.upstream_url, ANTHROPIC),)), bench.guard, model, bench.clock, bench.facts.append
        )
        app = web.Application()
        app.router.add_post("/{tail:.*}", bench.gateway.handle)
        async with serving(app) as bench.url:
            asking = asyncio.ensure_future(ask(bench, ANTHROPIC, stream=True, text="x" * 100_000))
            await until(lambda: bench.upstream.written_bytes() > 0 and not model.asked.call.body)
            asking.cancel()
            await bench.gateway.close()


async def test_lists_are_answered_here(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, wire_format=CHAT) as bench, aiohttp.ClientSession() as session:
        async with session.get(f"{bench.url}/model/openai/v1/models") as response:
            assert [entry["id"] for entry in (await response.json())["data"]] == ["gpt-5"]
        async with session.get(f"{bench.url}/model/openai/v1/models/other") as response:
            assert response.status == 404
        assert bench.upstream.seen == []


async def test_knocking_at_other_doors_is_refused_and_no_fact(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path) as bench, aiohttp.ClientSession() as session:
        async with session.head(f"{bench.url}/model/anthropic") as response:
            assert response.status == 404
        async with session.post(f"{bench.url}/model/anthropic/v1/files", data=b"x") as response:
            assert (response.status, (await response.json())["type"]) == (404, "error")
        async with session.put(f"{bench.url}/model/anthropic/v1/messages", data=b"x") as response:
            assert response.status == 403
        assert (bench.facts, bench.upstream.seen) == ([], [])


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_model_outside_the_list_is_refused(tmp_path: Path, wire_format: WireFormat) -> None:
    async with gateway_bench(tmp_path, wire_format=wire_format) as bench:
        got = await ask(bench, wire_format, model="dearer")
        assert got.status == 404
        assert "is not in this agent's list" in got.body.decode()
        for key in ("models", "fallbacks"):
            got = await ask(bench, wire_format, body={key: ["main", "dearer"]})
            assert got.status == 404
        assert bench.upstream.seen == []
        assert [fact.status for fact in bench.facts] == [404] * 3


async def test_what_the_provider_would_do_itself_is_refused_unless_listed(tmp_path: Path) -> None:
    search = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    async with gateway_bench(tmp_path) as bench:
        got = await ask(bench, ANTHROPIC, body=search)
        assert (got.status, got.json["error"]["type"]) == (403, "permission_error")
        assert 'server_tools = ["web_search"]' in got.json["error"]["message"]
        assert bench.upstream.seen == []
    async with gateway_bench(tmp_path, server_tools=frozenset({"web_search"})) as bench:
        assert (await ask(bench, ANTHROPIC, body=search)).status == 200


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({"content-encoding": "gzip"}, b"x", "no compressed requests"),
        ({}, b"{nonsense", "not JSON"),
        ({}, b"[]", "not a JSON object"),
        ({}, b'{"max_tokens": 1}', "names no model"),
    ],
)
async def test_bad_requests(tmp_path: Path, headers: dict[str, str], body: bytes, words: str) -> None:
    async with gateway_bench(tmp_path) as bench, aiohttp.ClientSession() as session:
        url = f"{bench.url}/model/anthropic/v1/messages"
        async with session.post(url, data=body, headers=headers) as response:
            assert response.status == 400
            assert words in (await response.json())["error"]["message"]


async def test_after_the_run_nothing_is_asked_any_more(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, behaviours=[OK]) as bench:
        await bench.gateway.close()
        assert (await ask(bench, ANTHROPIC)).status == 403
        assert bench.upstream.seen == []
