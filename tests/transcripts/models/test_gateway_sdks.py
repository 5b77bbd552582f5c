"""The providers' own SDKs, which nobody here wrote, against the gateway: with a fake provider and with a rehearsal."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import types

from freehold.base.sockets import listen_unix
from freehold.models.answers.speech import Speech, SpokenCall
from freehold.models.budget import Budgets
from freehold.models.fake_upstream import HELLO, Behaviour
from freehold.models.policy import ModelPolicy
from freehold.models.rehearsal import Rehearsal
from freehold.models.rehearsal_file import parse_script
from freehold.models.tokens import Tokens
from freehold.project.budget import Budget
from freehold.project.wire_formats import WireFormat
from tests.support.models import Bench, gateway_bench, until

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
CALL = SpokenCall("call_1", "bash", {"command": "ls"})
CALLING = Behaviour(speech=Speech("1", "m", ("Look", "ing."), CALL, Tokens(9, 9)))
FAKE = "fake"
REHEARSED = "rehearsal"
SCRIPT = "version: 1\nturns: [{say: Looking., shell: ls}, {say: Done.}]"
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}


@contextlib.asynccontextmanager
async def bench_of(folder: Path, kind: str, wire_format: WireFormat) -> AsyncIterator[Bench]:
    """The same two turns from a fake provider, or from a rehearsal."""
    if kind == FAKE:
        async with gateway_bench(
            folder, wire_format=wire_format, behaviours=[CALLING, Behaviour(speech=Speech("2", "m", ("Done.",)))]
        ) as bench:
            yield bench
    else:
        played = Rehearsal(parse_script(SCRIPT, "rehearsal.yaml"))
        async with gateway_bench(folder, policy=ModelPolicy(()).rehearsal(), rehearsal=played) as bench:
            yield bench
            assert played.problems() == []


def anthropic_client(bench: Bench, **options: Any) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=f"{bench.url}/model/anthropic", api_key="kept-by-freehold", **options)


def openai_client(bench: Bench, **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{bench.url}/model/openai/v1", api_key="kept-by-freehold", **options)


def google_client(bench: Bench) -> genai.Client:
    return genai.Client(api_key="kept-by-freehold", http_options={"base_url": f"{bench.url}/model/google"})


@pytest.mark.parametrize("kind", [FAKE, REHEARSED])
@pytest.mark.parametrize("stream", [True, False])
async def test_anthropic(tmp_path: Path, kind: str, stream: bool) -> None:
    async with bench_of(tmp_path, kind, ANTHROPIC) as bench, anthropic_client(bench) as client:
        request: dict[str, Any] = {
            "model": "main", "max_tokens": 500, "tools": [{"name": "bash", "input_schema": SCHEMA}],
            "messages": [{"role": "user", "content": "go"}],
        }  # fmt: skip

        async def ask() -> anthropic.types.Message:
            if not stream:
                message: anthropic.types.Message = await client.messages.create(**request)
                return message
            async with client.messages.stream(**request) as answer:
                return await answer.get_final_message()

        first = await ask()
        text, use = first.content
        assert text.type == "text"
        assert text.text == "Looking."
        assert use.type == "tool_use"
        assert (use.name, use.input, first.stop_reason) == ("bash", {"command": "ls"}, "tool_use")
        request["messages"] += [
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "x"}]},
        ]
        last = await ask()
        assert (last.content[0].type, last.stop_reason) == ("text", "end_turn")
        assert last.usage.output_tokens >= 0
        count = await client.messages.count_tokens(model="main", messages=[{"role": "user", "content": "go"}])
        assert count.input_tokens > 0
        assert [model.id async for model in client.models.list()] == [bench_model(kind, "claude-sonnet-4-5")]


def bench_model(kind: str, fake: str) -> str:
    return fake if kind == FAKE else "rehearsal"


@pytest.mark.parametrize("kind", [FAKE, REHEARSED])
@pytest.mark.parametrize("stream", [True, False])
async def test_openai_chat(tmp_path: Path, kind: str, stream: bool) -> None:
    async with bench_of(tmp_path, kind, CHAT) as bench, openai_client(bench) as client:
        request: dict[str, Any] = {
            "model": "main", "messages": [{"role": "user", "content": "go"}],
            "tools": [{"type": "function", "function": {"name": "bash", "parameters": SCHEMA}}],
        }  # fmt: skip

        async def ask() -> Any:
            if not stream:
                return await client.chat.completions.create(**request)
            async with client.chat.completions.stream(**request) as answer:
                return await answer.get_final_completion()

        first = (await ask()).choices[0]
        call = first.message.tool_calls[0]
        assert (first.message.content, first.finish_reason) == ("Looking.", "tool_calls")
        assert (call.function.name, call.function.arguments) == ("bash", '{"command":"ls"}')
        request["messages"] += [
            {"role": "assistant", "content": "Looking.", "tool_calls": [
                {"id": call.id, "type": "function", "function": {"name": "bash", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": call.id, "content": "x"},
        ]  # fmt: skip
        last = await ask()
        assert (last.choices[0].message.content, last.choices[0].finish_reason) == ("Done.", "stop")
        assert last.usage is not None
        assert [model.id async for model in client.models.list()] == [bench_model(kind, "gpt-5")]


@pytest.mark.parametrize("kind", [FAKE, REHEARSED])
@pytest.mark.parametrize("stream", [True, False])
async def test_openai_responses(tmp_path: Path, kind: str, stream: bool) -> None:
    async with bench_of(tmp_path, kind, RESPONSES) as bench, openai_client(bench) as client:
        request: dict[str, Any] = {
            "model": "main", "input": [{"role": "user", "content": "go"}], "store": False,
            "tools": [{"type": "function", "name": "bash", "parameters": SCHEMA, "strict": False}],
        }  # fmt: skip

        async def ask() -> Any:
            if not stream:
                return await client.responses.create(**request)
            async with client.responses.stream(**request) as answer:
                return await answer.get_final_response()

        first = await ask()
        call = first.output[1]
        assert first.output_text == "Looking."
        assert (call.type, call.name, call.arguments) == ("function_call", "bash", '{"command":"ls"}')
        request["input"] += [
            {"type": "function_call", "call_id": call.call_id, "name": "bash", "arguments": call.arguments},
            {"type": "function_call_output", "call_id": call.call_id, "output": "x"},
        ]
        last = await ask()
        assert (last.output_text, last.status) == ("Done.", "completed")
        assert last.usage is not None


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")  # Google's own
@pytest.mark.parametrize("kind", [FAKE, REHEARSED])
@pytest.mark.parametrize("stream", [True, False])
async def test_google(tmp_path: Path, kind: str, stream: bool) -> None:
    async with bench_of(tmp_path, kind, GOOGLE) as bench:
        client = google_client(bench).aio
        declaration = types.FunctionDeclaration(name="bash", parameters_json_schema=SCHEMA)
        config = types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[declaration])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        contents: list[Any] = [types.Content(role="user", parts=[types.Part(text="go")])]

        async def ask() -> list[types.Part]:
            if not stream:
                answer = await client.models.generate_content(model="main", contents=contents, config=config)
                return parts_of(answer)
            parts: list[types.Part] = []
            async for answer in await client.models.generate_content_stream(
                model="main", contents=contents, config=config
            ):
                parts += parts_of(answer)
            return parts

        first = await ask()
        call = first[-1].function_call
        assert call is not None
        assert "".join(part.text or "" for part in first) == "Looking."
        assert (call.name, call.args) == ("bash", {"command": "ls"})
        response = types.FunctionResponse(id=call.id, name="bash", response={"output": "x"})
        contents += [
            types.Content(role="model", parts=first),
            types.Content(role="user", parts=[types.Part(function_response=response)]),
        ]
        assert "".join(part.text or "" for part in await ask()) == "Done."
        count = await client.models.count_tokens(model="main", contents="go")
        assert count.total_tokens is not None
        await client.aclose()


def parts_of(answer: types.GenerateContentResponse) -> list[types.Part]:
    assert answer.candidates is not None
    content = answer.candidates[0].content
    return list(content.parts or []) if content else []


async def test_a_spent_budget_is_not_tried_again_by_the_sdks(tmp_path: Path) -> None:
    spent = Budgets(agent=Budget(turns_per_run=0))
    tools: Any = [{"type": "function", "function": {"name": "bash", "parameters": SCHEMA}}]
    async with gateway_bench(tmp_path, wire_format=CHAT, budgets=spent) as bench, openai_client(bench) as client:
        with pytest.raises(openai.BadRequestError, match="the budget is spent"):
            await client.chat.completions.create(model="main", messages=[{"role": "user", "content": "x"}], tools=tools)
        assert len(bench.facts) == 1
    async with gateway_bench(tmp_path, budgets=spent) as bench, anthropic_client(bench) as claude:
        with pytest.raises(anthropic.BadRequestError, match="the budget is spent"):
            await claude.messages.create(
                model="main", max_tokens=9, messages=[{"role": "user", "content": "x"}],
                tools=[{"name": "bash", "input_schema": {"type": "object"}}],
            )  # fmt: skip
        assert len(bench.facts) == 1


async def test_when_all_models_are_busy_the_sdks_do_not_storm(tmp_path: Path) -> None:
    busy = Behaviour(status=429, headers={"retry-after": "9999"})
    async with gateway_bench(tmp_path, behaviours=[busy]) as bench, anthropic_client(bench) as client:
        with pytest.raises(anthropic.RateLimitError):
            await client.messages.create(model="main", max_tokens=9, messages=[{"role": "user", "content": "x"}])
        assert len(bench.upstream.seen) == 1


async def test_a_stream_that_breaks_is_an_error_of_the_sdk(tmp_path: Path) -> None:
    broken = Behaviour(speech=HELLO, cut=True, stop_after=3)
    async with gateway_bench(tmp_path, behaviours=[broken]) as bench, anthropic_client(bench) as client:
        with pytest.raises(anthropic.APIStatusError, match="was cut"):
            async with client.messages.stream(
                model="main", max_tokens=9, messages=[{"role": "user", "content": "x"}]
            ) as answer:
                await answer.get_final_message()


async def test_over_a_unix_socket_as_in_a_run(tmp_path: Path) -> None:
    from aiohttp import web

    async with gateway_bench(tmp_path) as bench:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", bench.gateway.handle)
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        await web.SockSite(runner, listen_unix(tmp_path / "run.sock", 0o600)).start()
        transport = httpx.AsyncHTTPTransport(uds=str(tmp_path / "run.sock"))
        async with httpx.AsyncClient(transport=transport) as http:
            body = {"model": "main", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
            answer = await http.post("http://run/model/anthropic/v1/messages", json=body)
            assert answer.json()["content"][0]["text"] == "Hello world"
        await runner.cleanup()
        await until(lambda: len(bench.facts) == 1)
