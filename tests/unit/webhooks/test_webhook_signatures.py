"""Signatures of every sender: its own vectors where there are some, and everything that must not pass."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from freehold.base.errors import FreeholdError
from freehold.base.secret import Secret
from freehold.project.webhook_types import SOURCE_TYPES
from freehold.project.webhooks import SenderHeaders, WebhookSource
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.ed25519 import Ed25519, signed_by
from freehold.webhooks.providers import scheme_of
from freehold.webhooks.schemes import moment
from freehold.webhooks.simulation import simulated
from freehold.webhooks.verification import verify
from tests.support.webhooks import DATA, NOW, SECRET, source

PUBLISHED: list[dict[str, Any]] = json.loads((DATA / "signatures.json").read_text())["vectors"]
STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
"""The vector of Standard Webhooks' own tests (standard-webhooks/standard-webhooks, MIT)."""

STANDARD_SECRET, STANDARD_BODY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
PLAIN = "ff20670a6975d835a6fb88fbbeacf0bd39983c4facc1004f9f9186053157b786"
STAMPED = "b4c5d5c08194254de18b80695176335ee482a5907fb5e68f7bd993b1b00b018d"
"""By `openssl dgst -sha256 -hmac "a secret"` of `{"a":1}` and of `1700000000.{"a":1}`."""

OWN_HEADERS = SenderHeaders("x-signature", timestamp="x-time")

VECTORS: list[tuple[WebhookSource, str, dict[str, str], bytes, float]] = [
    *(
        (source(each["provider"]), each["secret"], each["headers"], each["body"].encode(), moment_)
        for each, moment_ in zip(PUBLISHED, (0, 1531420618, 1769172798, 0), strict=True)
    ),
    (source("gitlab"), STANDARD_SECRET, STANDARD, STANDARD_BODY, 1614265330),
    (source("gitlab"), "a secret", {"X-Gitlab-Token": "a secret"}, b"{}", 0),
    (source("gitlab"), "g\u00e9heim", {"X-Gitlab-Token": "g\u00e9heim".encode().decode("latin-1")}, b"{}", 0),
    (source("gitea"), "a secret", {"X-Gitea-Signature": PLAIN}, b'{"a":1}', 0),
    (source("gitea"), "a secret", {"X-Hub-Signature-256": f"sha256={PLAIN}"}, b'{"a":1}', 0),
    (source("forgejo"), "a secret", {"X-Forgejo-Signature": PLAIN}, b'{"a":1}', 0),
    (source("forgejo"), "a secret", {"X-Gitea-Signature": PLAIN}, b'{"a":1}', 0),
    (source("mintlify"), "a secret", {"X-Mintlify-Signature": PLAIN}, b'{"a":1}', 0),
    (source("mintlify"), "a secret", {"Mintlify-Signature": PLAIN}, b'{"a":1}', 0),
    (
        source("twitter"),
        "consumer-secret",
        {"X-Twitter-Webhooks-Signature": "sha256=Hlco0COzwYOsSzVcCoqAGpNZdK3BYQku/gWz9SSGVjA="},
        b'{"for_user_id":"1"}',
        0,
    ),
    (source("generic"), "a secret", {"X-Hub-Signature-256": f"sha256={PLAIN}"}, b'{"a":1}', 0),
    (source("generic"), "a secret", {"X-Hub-Signature-256": PLAIN.upper()}, b'{"a":1}', 0),
    (
        source("generic", headers=OWN_HEADERS),
        "a secret",
        {"X-Time": "1700000000", "X-Signature": STAMPED},
        b'{"a":1}',
        1700000000,
    ),
    (
        source("generic", headers=SenderHeaders("webhook-signature")),
        STANDARD_SECRET,
        {**STANDARD, "webhook-signature": f"v1,AAAA v1a,x {STANDARD['webhook-signature']}"},
        STANDARD_BODY,
        1614265330,
    ),
]
NAMES = [f"{index}-{vector[0].type}" for index, vector in enumerate(VECTORS)]


def check(it: WebhookSource, secret: str, headers: dict[str, str], body: bytes, at: float) -> str:
    now = datetime.fromtimestamp(at, UTC) if at else NOW
    return verify(it, Delivery.of(it.name, headers.items(), body, now), {"default": Secret(secret)}, now)


@pytest.mark.parametrize(("it", "secret", "headers", "body", "at"), VECTORS, ids=NAMES)
def test_vectors_are_right(it: WebhookSource, secret: str, headers: dict[str, str], body: bytes, at: float) -> None:
    assert check(it, secret, headers, body, at) == "default"


@pytest.mark.parametrize(("it", "secret", "headers", "body", "at"), VECTORS, ids=NAMES)
def test_another_secret_body_or_signature_is_refused(
    it: WebhookSource, secret: str, headers: dict[str, str], body: bytes, at: float
) -> None:
    with pytest.raises(FreeholdError, match="its signature is by none of 1 secret"):
        check(it, f"{secret}x", headers, body, at)
    if "X-Gitlab-Token" not in headers:
        with pytest.raises(FreeholdError, match="its signature is by none of 1 secret"):
            check(it, secret, headers, body + b" ", at)
    unsigned = {name: value for name, value in headers.items() if "signature" not in name.lower()}
    unsigned.pop("X-Gitlab-Token", None)
    with pytest.raises(FreeholdError, match="it has no signature"):
        check(it, secret, unsigned, body, at)


SPOILT = [
    "", "sha256=", "sha256", "=", PLAIN[:-1], PLAIN + "0", f"sha1={PLAIN}", f"sha256={PLAIN[:-2]}zz", "\u00ff" * 64,
    "sha256=" + "\u0660" * 64, f"sha256={PLAIN}, sha256={PLAIN}", "sha256==", "A" * 44, "sha256=" + "A" * 44, "\x00",
]  # fmt: skip


@pytest.mark.parametrize("written", SPOILT)
@pytest.mark.parametrize("kind", ["github", "twitter", "sentry", "generic", "gitea", "gitlab", "discord"])
def test_malformed_signatures_are_refused_and_nothing_else(kind: str, written: str) -> None:
    it = source(kind)
    scheme = scheme_of(it)
    assert scheme
    made = Delivery.of("x", [(name, written) for name in scheme.headers], b'{"a":1}', NOW)
    with pytest.raises(FreeholdError, match="was refused"):
        verify(it, made, {"default": Secret("another secret")}, NOW)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_=", "whsec_g\u00e9heim"])
def test_a_secret_with_nothing_behind_its_prefix_is_not_everybodys(secret: str) -> None:
    stamp = str(int(NOW.timestamp()))
    digest = hmac.digest(b"", f"id.{stamp}.".encode() + STANDARD_BODY, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    headers = {"webhook-id": "id", "webhook-timestamp": stamp, "webhook-signature": signature}
    for it in (source("gitlab"), source("generic", headers=SenderHeaders("webhook-signature"))):
        with pytest.raises(FreeholdError, match="none of 1 secret"):
            check(it, secret, headers, STANDARD_BODY, 0)


def test_a_prefix_is_required_where_the_sender_writes_one() -> None:
    with pytest.raises(FreeholdError, match="none of 1 secret"):
        check(source("github"), "a secret", {"X-Hub-Signature-256": PLAIN}, b'{"a":1}', 0)


def test_the_border_between_time_and_body_cannot_be_moved() -> None:
    """`1700000000.{"a":1}` was signed; the same bytes, told apart elsewhere, are another delivery."""
    for time, body in (("170000000", b'0.{"a":1}'), ("1700000000.{", b'"a":1}'), ("", b'1700000000.{"a":1}')):
        with pytest.raises(FreeholdError, match="was refused"):
            check(source("generic", headers=OWN_HEADERS), "a secret", {"x-time": time, "x-signature": STAMPED}, body, 0)


PRIVATE = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
"""RFC 8032 §7.1, test 2: the message is one byte, 0x72."""


def test_ed25519_as_its_rfc_has_it() -> None:
    scheme = Ed25519()
    assert scheme.proof(Delivery.of("d", [("x-signature-ed25519", SIGNATURE)], b"r", NOW), Secret(PUBLIC))
    for body, signature, key in [
        (b"s", SIGNATURE, PUBLIC),
        (b"r", SIGNATURE[:-2] + "01", PUBLIC),
        (b"r", SIGNATURE[:-2], PUBLIC),
        (b"r", "zz", PUBLIC),
        (b"r", SIGNATURE, PUBLIC[:-2] + "0d"),
        (b"r", SIGNATURE, "no key at all"),
        (b"r", SIGNATURE, ""),
    ]:
        made = Delivery.of("d", [("x-signature-ed25519", signature)], body, NOW)
        assert scheme.proof(made, Secret(key)) is None


def test_discord_is_verified_with_its_public_key() -> None:
    body = b'{"type":2}'
    headers = signed_by(PRIVATE, body, NOW)
    assert check(source("discord"), PUBLIC, headers, body, 0) == "default"
    with pytest.raises(FreeholdError, match="none of 1 secret"):
        check(source("discord"), PUBLIC, {**headers, "x-signature-timestamp": "1"}, body, 0)
    with pytest.raises(FreeholdError, match="only Discord has the private key"):
        simulated(source("discord"), body, now=NOW, delivery_id="1", secret=Secret(PUBLIC))


@pytest.mark.parametrize("kind", sorted(SOURCE_TYPES.keys() - {"discord", "test"}))
def test_what_we_sign_is_what_we_verify(kind: str) -> None:
    made = simulated(source(kind), b'{"a": 1}', now=NOW, delivery_id="d-1", event="push", secret=SECRET)
    assert verify(source(kind), made, {"default": SECRET}, NOW) == "default"
    with pytest.raises(FreeholdError):
        verify(source(kind), made, {"default": Secret("another secret")}, NOW)


MOMENTS = [("1531420618", 1531420618.0), ("0", 0.0), ("", None), ("-1", None), ("1.5", None), ("1e3", None),
           (" 1", None), ("9" * 16, None), ("\u0661", None), ("\u00b2", None)]  # fmt: skip


@pytest.mark.parametrize(("written", "seconds"), MOMENTS)
def test_moments(written: str, seconds: float | None) -> None:
    assert moment(written) == seconds
