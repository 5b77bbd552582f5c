"""One try at one model: ask, and look at the beginning of the answer before anything is shown to the harness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped
from freehold.base.secret import redact
from freehold.models.admission import has_too_many_parts
from freehold.models.backoff import BUSY_STATUSES, retry_after
from freehold.models.bill import Bill
from freehold.models.event_stream import EventStream, Piece
from freehold.models.model import Answer
from freehold.models.policy import PolicyModel
from freehold.models.reading import Reading
from freehold.project.wire_formats import WireFormat

LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes of an answer that comes in one piece."""
_LARGEST_ERROR = 64 * 1024
_LONGEST_WORDS = 300
"""Characters of what a provider says went wrong, in an error of ours."""

_BUSY_KINDS = frozenset({
    "overloaded_error", "rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "overloaded",
    "server_is_overloaded", "slow_down",
})  # fmt: skip
"""How an error in a stream says what 429, 503 and 529 say of an answer."""


@dataclass
class Begun:
    """An answer worth showing: a stream whose first events are in hand, or a whole body."""

    model: PolicyModel
    bill: Bill
    answer: Answer
    reading: Reading
    asked_at: float
    first_byte_s: float
    headers: Mapping[str, str]
    events: EventStream | None = None
    first: Piece = field(default_factory=lambda: Piece(b""))
    body: bytes = b""
    fallback_from: str = ""


@dataclass(frozen=True)
class Failure:
    """A model did not answer. `passes` means the harness should see the provider's own words: it is its request."""

    model: PolicyModel
    status: int
    error: FreeholdError
    busy: bool = False
    retry_after_s: float | None = None
    passes: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


async def look_at(
    answer: Answer, model: PolicyModel, bill: Bill, wire_format: WireFormat, asked_at: float, clock: Clock
) -> Begun | Failure:  # fmt: skip
    """Read the beginning of an answer. Raises `FreeholdError` when there is none worth the name."""
    if answer.status >= 400 or answer.status < 200:
        return await _read_failure(answer, model, clock)
    begun = Begun(
        model=model, bill=bill, answer=answer, reading=Reading(), asked_at=asked_at, first_byte_s=0.0,
        headers=answer.headers,
    )  # fmt: skip
    if answer.headers.get("content-type", "").lower().startswith("text/event-stream"):
        return await _begin_stream(begun, wire_format, clock) or begun
    await _read_body(begun, wire_format, clock)
    return begun


async def _begin_stream(begun: Begun, wire_format: WireFormat, clock: Clock) -> Failure | None:
    """Wait for the first whole event: some say that they are overloaded only there, after a status of 200."""
    begun.events = EventStream()
    while not begun.first.data:
        chunk = await begun.answer.next_chunk()
        if not begun.first_byte_s:
            begun.first_byte_s = clock.monotonic() - begun.asked_at
        begun.first = begun.events.feed(chunk) if chunk else begun.events.finish()
        if not chunk:
            break
    if not begun.first.data:
        raise FreeholdError(Code.UPSTREAM, f'the model "{begun.model.name}" answered with an empty stream', "try again")
    for payload in begun.first.payloads:
        begun.reading.take_event(wire_format, payload)
    if begun.reading.error and begun.reading.error_kinds & _BUSY_KINDS:
        said = _hidden(begun.reading.error, begun.model)
        return Failure(begun.model, 529, _busy(begun.model, said), busy=True)
    return None


async def _read_body(begun: Begun, wire_format: WireFormat, clock: Clock) -> None:
    parts: list[bytes] = []
    size = 0
    while chunk := await begun.answer.next_chunk():
        if not parts:
            begun.first_byte_s = clock.monotonic() - begun.asked_at
        size += len(chunk)
        if size > LARGEST_ANSWER:
            raise FreeholdError(
                Code.UPSTREAM, f'the answer of the model "{begun.model.name}" is larger than {LARGEST_ANSWER >> 20} MB'
            )
        parts.append(chunk)
    begun.body = b"".join(parts)
    if has_too_many_parts(begun.body):
        raise FreeholdError(Code.UPSTREAM, f'the JSON that the model "{begun.model.name}" answered has too many parts')
    try:
        table = msgspec.json.decode(begun.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise FreeholdError(
            Code.UPSTREAM, f'the model "{begun.model.name}" answered with something that is no JSON object',
            "check its base_url: another program may be answering there",
        )  # fmt: skip
    begun.reading.take_body(wire_format, table)


async def _read_failure(answer: Answer, model: PolicyModel, clock: Clock) -> Failure:
    body = b""
    try:
        while len(body) < _LARGEST_ERROR and (chunk := await answer.next_chunk()):
            body += chunk
    except FreeholdError:
        body = b""  # the status says enough
    wait = retry_after(answer.headers.get("retry-after"), answer.headers.get("retry-after-ms"), clock.now())
    busy = answer.status in BUSY_STATUSES
    said = _words_of(body, model)
    error = _busy(model, said) if busy else _said_no(model, answer.status, said)
    return Failure(
        model, answer.status, error, busy=busy, retry_after_s=wait, passes=400 <= answer.status < 500 and not busy,
        headers=answer.headers, body=body,
    )  # fmt: skip


def _busy(model: PolicyModel, said: str) -> FreeholdError:
    return FreeholdError(
        Code.RATE_LIMITED, f'the model "{model.name}" is rate limited or overloaded{_quoted(said)}',
        "list a second model for this agent, or try again later",
    )  # fmt: skip


def _said_no(model: PolicyModel, status: int, said: str) -> FreeholdError:
    code = Code.CREDENTIAL if status in (401, 403) else Code.UPSTREAM
    hint = f"check its key: freehold creds check {model.provider}_key" if code is Code.CREDENTIAL else "try again later"
    return FreeholdError(code, f'the model "{model.name}" answered with status {status}{_quoted(said)}', hint)


def _quoted(said: str) -> str:
    return f": {said}" if said else ""


def _words_of(body: bytes, model: PolicyModel) -> str:
    """The message in a provider's error, without its key, which some of them repeat."""
    reading = Reading()
    try:
        table = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    if isinstance(table, list) and table:
        table = table[0]  # Google wraps the errors of streams
    error = table.get("error") if isinstance(table, dict) else None
    if not error:
        return ""
    reading.take_error(error)
    return _hidden(reading.error, model)


def _hidden(words: str, model: PolicyModel) -> str:
    """Cut only when the key is hidden: half a key would be left of one that stands where it is cut."""
    return clipped(redact(words, [model.key] if model.key else []), _LONGEST_WORDS)
