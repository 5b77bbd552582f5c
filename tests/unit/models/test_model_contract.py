"""One contract for everybody who answers requests: providers over HTTP, and a rehearsal."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from freehold.base.errors import Code, FreeholdError
from freehold.models.call import ModelCall, parse_call
from freehold.models.event_stream import EventStream
from freehold.models.fake_upstream import FakeUpstream
from freehold.models.http_model import Deadlines, HttpModel, open_session
from freehold.models.model import Answer, Ask, Model
from freehold.models.policy import PolicyModel, rehearsed_model
from freehold.models.reading import Reading
from freehold.models.rehearsal import Rehearsal
from freehold.models.rehearsal_file import parse_script
from freehold.models.rehearsal_model import RehearsalModel
from freehold.models.routes import Operation, Route
from freehold.project.wire_formats import WireFormat
from tests.support.certificates import Authority
from tests.support.models import model_at, request_of, serving

FORMATS = list(WireFormat)
KINDS = ["http", "rehearsal"]
SCRIPT = "version: 1\nturns: [{say: Hello world}]"


@contextlib.asynccontextmanager
async def a_model(kind: str, wire_format: WireFormat) -> AsyncIterator[tuple[Model, PolicyModel]]:
    if kind == "rehearsal":
        yield RehearsalModel(Rehearsal(parse_script(SCRIPT, "rehearsal.yaml"))), rehearsed_model()
        return
    async with serving(FakeUpstream().app) as url, open_session() as session:
        yield HttpModel(session, Deadlines(1, 1, 1)), model_at(url, wire_format)


def call_of(wire_format: WireFormat, operation: Operation = Operation.GENERATE, *, stream: bool) -> ModelCall:
    _, body = request_of(wire_format, stream=stream, tools=True)
    return parse_call(Route(wire_format, operation, "main", stream), json.dumps({"model": "main", **body}).encode())


def ask_of(call: ModelCall, model: PolicyModel) -> Ask:
    return Ask(call, model, msgspec.json.encode(call.body))


async def read(answer: Answer) -> bytes:
    data = b""
    while chunk := await answer.next_chunk():
        data += chunk
    assert await answer.next_chunk() == b""
    await answer.close()
    await answer.close()
    return data


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_stream_is_whole_events_of_the_format(kind: str, wire_format: WireFormat) -> None:
    async with a_model(kind, wire_format) as (model, described):
        answer = await model.ask(ask_of(call_of(wire_format, stream=True), described))
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
        events, reading = EventStream(), Reading()
        for payload in events.feed(await read(answer)).payloads:
            reading.take_event(wire_format, payload)
        assert events.finish().data == b""
        assert (reading.finished, reading.error, reading.unreadable) == (True, "", 0)
        assert reading.tokens is not None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wire_format", FORMATS)
async def test_another_answer_is_one_object(kind: str, wire_format: WireFormat) -> None:
    async with a_model(kind, wire_format) as (model, described):
        answer = await model.ask(ask_of(call_of(wire_format, stream=False), described))
        table: Any = msgspec.json.decode(await read(answer))
        assert "Hello world" in json.dumps(table)
        reading = Reading()
        reading.take_body(wire_format, table)
        assert reading.tokens is not None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wire_format", [form for form in FORMATS if form is not WireFormat.OPENAI_CHAT])
async def test_a_count_is_a_count(kind: str, wire_format: WireFormat) -> None:
    async with a_model(kind, wire_format) as (model, described):
        answer = await model.ask(ask_of(call_of(wire_format, Operation.COUNT, stream=False), described))
        table = msgspec.json.decode(await read(answer))
        assert table["totalTokens" if wire_format is WireFormat.GOOGLE else "input_tokens"] > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wire_format", FORMATS)
async def test_an_answer_may_be_left(kind: str, wire_format: WireFormat) -> None:
    async with a_model(kind, wire_format) as (model, described):
        answer = await model.ask(ask_of(call_of(wire_format, stream=True), described))
        await answer.next_chunk()
        await answer.close()


async def test_a_certificate_that_is_not_trusted_is_unreachable(tmp_path: Path) -> None:
    app = web.Application()
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=Authority(tmp_path).server_context("localhost"))
    await site.start()
    try:
        port = runner.addresses[0][1]
        described = model_at(f"https://127.0.0.1:{port}", WireFormat.ANTHROPIC_MESSAGES)
        async with open_session() as session:
            with pytest.raises(FreeholdError) as failure:
                await HttpModel(session).ask(ask_of(call_of(WireFormat.ANTHROPIC_MESSAGES, stream=True), described))
        assert failure.value.code is Code.UNREACHABLE
        assert "certificate" in failure.value.message
    finally:
        await runner.cleanup()
