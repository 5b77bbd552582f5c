"""A provider that is none: speaks the four wire formats, and misbehaves on request. For tests, benchmarks and soaks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from aiohttp import web

from freehold.models.answers import WRITERS
from freehold.models.answers.speech import Speech
from freehold.models.call import parse_call
from freehold.models.routes import Operation, Route
from freehold.models.tokens import Tokens
from freehold.project.wire_formats import WireFormat

_ROUTES: tuple[tuple[str, WireFormat, Operation], ...] = (
    ("/v1/messages", WireFormat.ANTHROPIC_MESSAGES, Operation.GENERATE),
    ("/v1/messages/count_tokens", WireFormat.ANTHROPIC_MESSAGES, Operation.COUNT),
    ("/v1/chat/completions", WireFormat.OPENAI_CHAT, Operation.GENERATE),
    ("/v1/responses", WireFormat.OPENAI_RESPONSES, Operation.GENERATE),
    ("/v1/responses/input_tokens", WireFormat.OPENAI_RESPONSES, Operation.COUNT),
    ("/v1beta/models/{model}:generateContent", WireFormat.GOOGLE, Operation.GENERATE),
    ("/v1beta/models/{model}:streamGenerateContent", WireFormat.GOOGLE, Operation.GENERATE),
    ("/v1beta/models/{model}:countTokens", WireFormat.GOOGLE, Operation.COUNT),
)


HELLO = Speech("fake", "fake", ("Hello", " world"), tokens=Tokens(input=100, output=20))


@dataclass(frozen=True)
class Behaviour:
    """How one request is answered. Without any of the faults: `speech`, its events `interval_s` apart.

    `stop_after` counts the events after which a fault comes: the stream is cut (`cut`), goes silent (`stall`), or says
    something that is no event (`garbage`). `status` other than 200 answers with an error that repeats the request's
    credential. `ends_early` closes the stream in order, but before its last event. `body` is said as it is.
    """

    speech: Speech = HELLO
    interval_s: float = 0.0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    stop_after: int = 0
    cut: bool = False
    stall: bool = False
    ends_early: bool = False
    garbage: bool = False
    body: bytes | None = None
    content_type: str = "application/json"
    echo_credential: bool = False
    error_type: str = "api_error"


OK = Behaviour()


@dataclass(frozen=True)
class SeenRequest:
    """What arrived, credentials and all."""

    path: str
    query: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def credential(self) -> str:
        authorization = self.headers.get("authorization", "").removeprefix("Bearer ")
        return self.headers.get("x-api-key") or self.headers.get("x-goog-api-key") or authorization


class FakeUpstream:
    """An aiohttp application to be served by whoever needs it (`app`).

    Requests are answered by the behaviours in turn; the last one stays. `seen` keeps the requests, `open_streams` how
    many are being answered, `abandoned` how many were left by their reader before the end.
    """

    def __init__(self, behaviours: Iterable[Behaviour] = (OK,), *, keep_requests: bool = True) -> None:
        self._behaviours = list(behaviours)
        self._keep = keep_requests
        self.seen: list[SeenRequest] = []
        self.open_streams = 0
        self.abandoned = 0
        self._written = 0
        self.app = web.Application(client_max_size=64 * 1024 * 1024)
        for path, wire_format, operation in _ROUTES:
            self.app.router.add_post(path, self._handler(Route(wire_format, operation)))

    def written_bytes(self) -> int:
        """Bytes of streams that the network took so far."""
        return self._written

    def behave(self, *behaviours: Behaviour) -> None:
        """From now on answer like this."""
        self._behaviours = list(behaviours)

    def _handler(self, route: Route) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            streaming = request.path.endswith(":streamGenerateContent")
            data = await request.read()
            call = parse_call(replace(route, model=request.match_info.get("model", ""), streaming=streaming), data)
            headers = {name.lower(): value for name, value in request.headers.items()}
            seen = SeenRequest(request.path, request.query_string, headers, call.body)
            if self._keep:
                self.seen.append(seen)
            behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            self.open_streams += 1
            try:
                return await self._answer(request, route, behaviour, seen, streaming=call.streaming)
            except (asyncio.CancelledError, ConnectionError):
                self.abandoned += 1
                raise
            finally:
                self.open_streams -= 1

        return handle

    async def _answer(
        self, request: web.Request, route: Route, behaviour: Behaviour, seen: SeenRequest, *, streaming: bool
    ) -> web.StreamResponse:  # fmt: skip
        if behaviour.status != 200:
            return web.json_response(_error(behaviour, seen), status=behaviour.status, headers=behaviour.headers)
        if behaviour.body is not None:
            return web.Response(body=behaviour.body, content_type=behaviour.content_type, headers=behaviour.headers)
        if route.operation is Operation.COUNT:
            return web.json_response({"input_tokens": 42, "totalTokens": 42})
        speech = behaviour.speech
        if behaviour.echo_credential:
            speech = replace(speech, pieces=(*speech.pieces, f" your key is {seen.credential}"))
        writer = WRITERS[route.wire_format]
        if streaming:
            return await self._stream(request, behaviour, writer.events(speech))
        if behaviour.stall:
            await asyncio.Event().wait()
        return web.Response(
            body=msgspec.json.encode(writer.whole(speech)), content_type="application/json", headers=behaviour.headers
        )

    async def _stream(self, request: web.Request, behaviour: Behaviour, events: list[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream", **behaviour.headers})
        await response.prepare(request)
        faulty = behaviour.cut or behaviour.stall or behaviour.ends_early or behaviour.garbage
        for number, event in enumerate(events):
            if faulty and number == behaviour.stop_after:
                await self._misbehave(request, response, behaviour, event)
                if not behaviour.garbage:
                    return response
            await response.write(event)
            self._written += len(event)
            if behaviour.interval_s:
                await asyncio.sleep(behaviour.interval_s)
        await response.write_eof()
        return response

    async def _misbehave(
        self, request: web.Request, response: web.StreamResponse, behaviour: Behaviour, event: bytes
    ) -> None:  # fmt: skip
        if behaviour.stall:
            await asyncio.Event().wait()
        elif behaviour.cut:
            await response.write(event[: len(event) // 2])
            assert request.transport is not None
            request.transport.abort()
        elif behaviour.garbage:
            await response.write(b"data: {this is no JSON\n\n")
        else:
            await response.write_eof()


def _error(behaviour: Behaviour, seen: SeenRequest) -> dict[str, Any]:
    message = f"refused with {behaviour.status}, your key was {seen.credential}"
    kind = behaviour.error_type
    return {"type": "error", "error": {"type": kind, "message": message, "code": behaviour.status, "status": kind}}
