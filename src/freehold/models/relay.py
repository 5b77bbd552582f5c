"""Passing an answer to the harness as it comes: unchanged, unbuffered, no faster than the harness reads."""

from __future__ import annotations

from aiohttp import web

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import HIDDEN, Secret
from freehold.models.attempt import Begun
from freehold.models.event_stream import EventStream, Piece
from freehold.models.facts import GONE
from freehold.models.headers import answer_headers
from freehold.models.record import Watch
from freehold.models.refusal import refuse_midway
from freehold.project.wire_formats import WireFormat

_STREAM_HEADERS = {"cache-control": "no-cache"}


class Relay:
    """One answer on its way. `watch` is told what passes, for `run --record`."""

    def __init__(
        self, request: web.Request, wire_format: WireFormat, begun: Begun, secrets: list[Secret], watch: Watch | None
    ) -> None:  # fmt: skip
        self._request = request
        self._wire_format = wire_format
        self._begun = begun
        self._secrets = secrets
        self._hidden = [value.encode() for secret in secrets if len(value := secret.reveal()) >= 6]
        self._kept_back = b""
        self._watch = watch
        self.error = ""
        """Why the answer did not come to its end; empty when it did."""

    async def run(self) -> web.StreamResponse:
        """Pass the whole answer. What breaks on the way ends it in the harness's words; a harness that went away is
        noted in `error`. Raises nothing but the cancellation of its task."""
        headers = answer_headers(self._begun.headers, self._secrets)
        status = self._begun.answer.status
        if self._begun.events is None:
            if self._watch:
                self._watch.body(self._begun.body)
            return web.Response(status=status, headers=headers, body=self._hide(self._begun.body))
        response = web.StreamResponse(status=status, headers={**_STREAM_HEADERS, **headers})
        try:
            await response.prepare(self._request)
            await self._pass_stream(response, self._begun.events)
        except ConnectionError:
            self.error = self.error or GONE.message
        return response

    async def _pass_stream(self, response: web.StreamResponse, events: EventStream) -> None:
        first = self._begun.first
        try:
            await self._pass(response, first, events, read=False)
            while chunk := await self._begun.answer.next_chunk():
                await self._pass(response, events.feed(chunk), events)
            await self._pass(response, events.finish())
            self._expect_whole()
        except FreeholdError as error:
            await self._end_midway(response, events, error)
        else:
            self.error = self._begun.reading.error
            await response.write_eof()

    def _expect_whole(self) -> None:
        reading = self._begun.reading
        if not (reading.finished or reading.error):
            raise FreeholdError(
                Code.UPSTREAM, f'the answer of the model "{self._begun.model.name}" ended before it was complete'
            )

    async def _pass(
        self, response: web.StreamResponse, piece: Piece, events: EventStream | None = None, *, read: bool = True
    ) -> None:  # fmt: skip
        for payload in piece.payloads:
            if read:  # the first events were read when the answer was looked at
                self._begun.reading.take_event(self._wire_format, payload)
            if self._watch:
                self._watch.event(payload)
        data = self._hide(self._kept_back + piece.data)
        self._kept_back = b""
        if events is not None and not events.between_events:
            data = self._keep_back(data)
        if data:
            await response.write(data)

    async def _end_midway(self, response: web.StreamResponse, events: EventStream, error: FreeholdError) -> None:
        self.error = error.message
        if events.between_events:
            await response.write(refuse_midway(self._wire_format, error))
            await response.write_eof()
        elif self._request.transport is not None:
            # In the middle of an event too long to hold back, nothing can be said: only breaking off is clear.
            self._request.transport.abort()

    def _hide(self, data: bytes) -> bytes:
        """No key passes, whoever repeats it."""
        for value in self._hidden:
            if value in data:
                data = data.replace(value, HIDDEN.encode())
        return data

    def _keep_back(self, data: bytes) -> bytes:
        """In the middle of an event too long to hold back, keep the end that could be the beginning of a key."""
        ends = (
            length for value in self._hidden for length in range(len(value) - 1, 0, -1) if data.endswith(value[:length])
        )  # fmt: skip
        if longest := max(ends, default=0):
            data, self._kept_back = data[:-longest], data[-longest:]
        return data
