"""TLS on port 443: the name that the client asks the server for must be the name that it was let out to (pure).

The first hello is not all: a server may ask for a second one (RFC 8446 §4.1.4), and servers do not compare the two. So
the client's next bytes wait for the server's answer, and a second hello is read like the first.
"""

from __future__ import annotations

from enum import Enum, auto

from freehold.base.errors import Code, FreeholdError
from freehold.base.hosts import quoted
from freehold.egress.answers import error_answer
from freehold.egress.inspection import RefusedError
from freehold.egress.sni import HANDSHAKE_RECORD, RECORD_HEADER, BadHelloError, Hello, HelloReader

MOST_HELD = 64 * 1024
"""Bytes that a client may send before the server's first answer (early data)."""

ACCESS_DENIED_ALERT = bytes((21, 3, 1, 0, 2, 2, 49))
"""A fatal alert, `access_denied` (RFC 8446 §6.2): what clients report by name instead of a bare closed connection."""

_BEFORE_SECOND_HELLO = frozenset({20, 21, 23})
"""Records of change_cipher_spec, alert, application_data."""
_ALERT = 21
_LONGEST_ALERT = RECORD_HEADER + 2
_SERVER_HELLO = 2
_RANDOM_AT = RECORD_HEADER + 4 + 2
_RANDOM_END = _RANDOM_AT + 32
_RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""SHA-256 of "HelloRetryRequest": a ServerHello with this random asks for a second ClientHello (RFC 8446 §4.1.3)."""


class _Stage(Enum):
    HELLO = auto()
    ANSWER = auto()
    SECOND_HELLO = auto()
    OPEN = auto()


class TlsInspection:
    """An `Inspection` of a connection that was let out to `host` (normalised)."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._stage = _Stage.HELLO
        self._reader = HelloReader()
        self._held = b""
        self._answer = b""
        self._answered = False

    @property
    def done(self) -> bool:
        return self._stage is _Stage.OPEN and not self._held

    def from_client(self, data: bytes) -> bytes:
        self._held += data
        passed = self._pass_second_flight() if self._stage is _Stage.SECOND_HELLO else b""
        if self._stage is _Stage.HELLO:
            passed += self._pass_hello()
        if self._stage is _Stage.OPEN:
            passed, self._held = passed + self._held, b""
        elif len(self._held) > MOST_HELD:
            raise self._refused(f"the client sent more than {MOST_HELD} bytes before the server answered")
        return passed

    def from_server(self, data: bytes) -> bytes:
        if self._stage is _Stage.HELLO and data:
            raise self._refused("the server spoke before the client did: that is not TLS")
        if self._stage is _Stage.ANSWER and data:
            self._answered = True
            self._answer = self._without_alerts(self._answer + data)[:_RANDOM_END]
            self._stage = self._stage_after(self._answer) if self._answer else _Stage.ANSWER
        return data

    def _pass_hello(self) -> bytes:
        """The client's hello once it is whole and right; the stage after it, on the first one, is the answer."""
        try:
            hello = self._reader.feed(self._held)
        except BadHelloError as error:
            raise self._refused_hello(error) from None
        self._held = b""
        if hello is None:
            return b""
        self._check(hello)
        passed, self._held = self._reader.taken(), self._reader.rest()
        self._stage = _Stage.OPEN if self._answered else _Stage.ANSWER
        return passed

    def _pass_second_flight(self) -> bytes:
        """Let pass what may stand before the second hello: early data, alerts, the compatibility record.

        RFC 8446 §4.2.10, §6.1, §D.4.
        """
        passed = b""
        while self._held and self._held[0] in _BEFORE_SECOND_HELLO:
            end = RECORD_HEADER + int.from_bytes(self._held[3:RECORD_HEADER])
            if len(self._held) < max(end, RECORD_HEADER):
                return passed
            passed, self._held = passed + self._held[:end], self._held[end:]
        if self._held:
            self._stage, self._reader = _Stage.HELLO, HelloReader()
        return passed

    def _check(self, hello: Hello) -> None:
        if hello.encrypted:
            hint = "switch Encrypted Client Hello (ECH) off in the client, also the one sent for show (GREASE)"
            raise self._refused("the client hides its server name (ECH)", hint)
        if hello.server_name is None:
            hint = "use a client that sends the server's name (SNI)"
            raise self._refused("the client sends no server name (SNI)", hint)
        name = hello.server_name.decode("latin-1")
        if name.lower() != self._host:
            raise self._refused(f"the client asks for {quoted(name)} on a connection to {quoted(self._host)}")

    def _without_alerts(self, answer: bytes) -> bytes:
        """What follows the alerts: a server may warn before its hello (RFC 6066 §3), and the hello is what counts."""
        while answer[:1] == bytes((_ALERT,)) and len(answer) >= RECORD_HEADER:
            end = RECORD_HEADER + int.from_bytes(answer[3:RECORD_HEADER])
            if end > _LONGEST_ALERT:
                raise self._refused("the server's alert is too long to be one")
            if len(answer) < end:
                break
            answer = answer[end:]
        return answer

    def _stage_after(self, answer: bytes) -> _Stage:
        """The stage after the server's first bytes; still `ANSWER` while there are too few to tell."""
        if answer[0] == _ALERT:
            return _Stage.ANSWER
        if answer[0] != HANDSHAKE_RECORD or (len(answer) > RECORD_HEADER and answer[RECORD_HEADER] != _SERVER_HELLO):
            return _Stage.OPEN  # no TLS: the client will say so
        if len(answer) >= RECORD_HEADER and RECORD_HEADER + int.from_bytes(answer[3:5]) < _RANDOM_END:
            raise self._refused("the server's hello comes in pieces too small to read")
        if len(answer) < _RANDOM_END:
            return _Stage.ANSWER
        return _Stage.SECOND_HELLO if answer[_RANDOM_AT:_RANDOM_END] == _RETRY_RANDOM else _Stage.OPEN

    def _refused_hello(self, error: BadHelloError) -> RefusedError:
        reason = f"the client may speak TLS only, and {error}"
        hint = f"use https://{self._host}/"
        plain = not self._answered and not self._reader.taken() and self._reader.rest()[0] != HANDSHAKE_RECORD
        return RefusedError(
            reason, hint, error_answer(FreeholdError(Code.DENIED, reason, hint)) if plain else ACCESS_DENIED_ALERT
        )

    def _refused(self, reason: str, hint: str = "") -> RefusedError:
        return RefusedError(reason, hint, ACCESS_DENIED_ALERT)
