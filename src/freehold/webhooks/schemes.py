"""How senders prove that a delivery is theirs: schemes of signatures, checked and made."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from freehold.base.secret import Secret
from freehold.webhooks.delivery import Delivery

REPLAY_WINDOW_S = 300.0
"""Slack's own figure (its page on verifying requests), and that of Standard Webhooks."""

_LONGEST_MOMENT = 15
"""Digits: milliseconds of the next 30,000 years."""


class Proof(msgspec.Struct, frozen=True):
    """A signature that is right, and the moment (seconds since 1970) that was signed with it.

    `window_s` is how far from now that moment may be; None where the sender signs no moment. `sent_at` is None where
    there should be one, and is none.
    """

    sent_at: float | None = None
    window_s: float | None = None


class Scheme(Protocol):
    """One way to sign. `headers` are those of which a signed delivery has one.

    `proof` compares in constant time and gives None where the signature is missing, malformed or wrong. `sign` makes
    the headers that prove a body, as its sender would; what it cannot make it refuses with `FreeholdError`.
    """

    @property
    def headers(self) -> tuple[str, ...]: ...

    def proof(self, delivery: Delivery, secret: Secret) -> Proof | None: ...

    def sign(self, body: bytes, secret: Secret, sent_at: datetime, delivery_id: str) -> dict[str, str]: ...


@dataclass(frozen=True)
class Content:
    """What is signed: a word, the values of some headers, and the body, with `joint` after each but the body."""

    lead: str = ""
    headers: tuple[str, ...] = ()
    joint: str = ""

    def of(self, headers: Mapping[str, str], body: bytes) -> bytes:
        words = [self.lead] if self.lead else []
        words += [headers.get(name, "") for name in self.headers]
        return b"".join(raw(word + self.joint) for word in words) + body


@dataclass(frozen=True)
class Hmac:
    """HMAC-SHA256, in hex or base64. Of several signatures, separated by spaces, one is enough.

    `prefix` stands before each; where it is `optional`, it may be missing. `timestamp` is the header with the moment,
    in seconds, when it is a part of the content; `body_moment` reads it from the body instead.
    """

    headers: tuple[str, ...]
    prefix: str = ""
    optional: bool = False
    in_base64: bool = False
    content: Content = Content()
    key: Callable[[str], bytes] = str.encode
    timestamp: str = ""
    body_moment: Callable[[Delivery], float | None] | None = None
    window_s: float | None = None

    def proof(self, delivery: Delivery, secret: Secret) -> Proof | None:
        expected = self._digest(delivery.headers, delivery.body, secret)
        claims = [self._claimed(claim) for name in self.headers for claim in delivery.headers.get(name, "").split()]
        # Every claim is compared, so that the time taken says nothing about which one was right.
        right = [claim for claim in claims if hmac.compare_digest(claim, expected)]
        if not right:
            return None
        return Proof(self._sent_at(delivery), self.window_s)

    def sign(self, body: bytes, secret: Secret, sent_at: datetime, delivery_id: str) -> dict[str, str]:
        known = {self.timestamp: str(int(sent_at.timestamp())), "webhook-id": delivery_id}
        headers = {name: known[name] for name in self.content.headers}
        digest = self._digest(headers, body, secret)
        written = base64.b64encode(digest).decode() if self.in_base64 else digest.hex()
        return {**headers, self.headers[0]: self.prefix + written}

    def _digest(self, headers: Mapping[str, str], body: bytes, secret: Secret) -> bytes:
        return hmac.digest(self.key(secret.reveal()), self.content.of(headers, body), hashlib.sha256)

    def _claimed(self, claim: str) -> bytes:
        if not claim.startswith(self.prefix) and not self.optional:
            return b""
        return _bytes_of(claim.removeprefix(self.prefix))

    def _sent_at(self, delivery: Delivery) -> float | None:
        if self.body_moment:
            return self.body_moment(delivery)
        return moment(delivery.header(self.timestamp)) if self.timestamp else None


@dataclass(frozen=True)
class Token:
    """The secret itself in a header. It proves the sender, not the body; TLS has to do the rest."""

    headers: tuple[str, ...]

    def proof(self, delivery: Delivery, secret: Secret) -> Proof | None:
        expected = secret.reveal().encode()
        same = [hmac.compare_digest(raw(delivery.header(name)), expected) for name in self.headers]
        return Proof() if any(same) else None

    def sign(self, body: bytes, secret: Secret, sent_at: datetime, delivery_id: str) -> dict[str, str]:  # noqa: ARG002
        return {self.headers[0]: secret.reveal()}


@dataclass(frozen=True)
class Either:
    """A sender with two ways to sign: the second one is for those who have not changed to the first."""

    first: Scheme
    second: Scheme

    @property
    def headers(self) -> tuple[str, ...]:
        return (*self.first.headers, *self.second.headers)

    def proof(self, delivery: Delivery, secret: Secret) -> Proof | None:
        found = [self.first.proof(delivery, secret), self.second.proof(delivery, secret)]
        return found[0] or found[1]

    def sign(self, body: bytes, secret: Secret, sent_at: datetime, delivery_id: str) -> dict[str, str]:
        return self.first.sign(body, secret, sent_at, delivery_id)


def standard_webhooks() -> Hmac:
    """Standard Webhooks 1.0: `webhook-signature: v1,<base64>` over `<webhook-id>.<webhook-timestamp>.<body>`."""
    return Hmac(
        ("webhook-signature",),
        prefix="v1,",
        in_base64=True,
        content=Content(headers=("webhook-id", "webhook-timestamp"), joint="."),
        key=_standard_key,
        timestamp="webhook-timestamp",
        window_s=REPLAY_WINDOW_S,
    )


def moment(digits: str) -> float | None:
    """Seconds since 1970 as a sender writes them, or None; whole numbers only, and none that overflow anything."""
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_MOMENT else None


def raw(text: str) -> bytes:
    """The bytes that a header's value came as: servers hand them out as latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _standard_key(secret: str) -> bytes:
    encoded = secret.removeprefix("whsec_")
    if encoded == secret:
        return secret.encode()
    try:
        # An empty one would be everybody's: with `whsec_` alone anybody could sign.
        return base64.b64decode(encoded, validate=True) or secret.encode()
    except ValueError:  # also for what is not ASCII
        return secret.encode()


def _bytes_of(claim: str) -> bytes:
    """A digest of 32 bytes, in hex or base64; empty where it is neither."""
    try:
        return bytes.fromhex(claim) if len(claim) == 64 else base64.b64decode(claim, validate=True)
    except ValueError:
        return b""
