"""Headers pass by name; credentials are replaced."""

from __future__ import annotations

import pytest

from freehold.base.secret import Secret
from freehold.models.headers import answer_headers, upstream_headers
from freehold.models.policy import KeyKind, PolicyModel
from freehold.project.wire_formats import WireFormat

OFFERED = {
    "host": "127.0.0.1:7701", "accept": "application/json", "content-type": "application/json", "user-agent": "h/1",
    "authorization": "Bearer kept-by-freehold", "x-api-key": "kept-by-freehold", "x-goog-api-key": "kept-by-freehold",
    "proxy-authorization": "x", "cookie": "a=b", "anthropic-version": "2023-06-01", "anthropic-beta": "a,b",
    "anthropic-user-profile-id": "somebody-else", "openai-organization": "org", "openai-project": "p",
    "x-goog-user-project": "q", "x-stainless-os": "Linux", "x-forwarded-for": "10.0.0.1", "accept-encoding": "gzip",
    "content-length": "5", "transfer-encoding": "chunked", "connection": "upgrade", "session-id": "s",
}  # fmt: skip


def model(kind: KeyKind = KeyKind.API_KEY, key: str | None = "real-key") -> PolicyModel:
    return PolicyModel("m", "anthropic", "m", "", frozenset(), Secret(key) if key else None, kind)


COMMON = {"accept": "*/*", "content-type": "application/json", "user-agent": "h/1",
          "accept-encoding": "identity"}  # fmt: skip


@pytest.mark.parametrize(
    ("wire_format", "kind", "expected"),
    [
        (WireFormat.ANTHROPIC_MESSAGES, KeyKind.API_KEY,
         {"x-api-key": "real-key", "anthropic-version": "2023-06-01", "anthropic-beta": "a,b"}),
        (WireFormat.ANTHROPIC_MESSAGES, KeyKind.OAUTH_TOKEN,
         {"authorization": "Bearer real-key", "anthropic-version": "2023-06-01",
          "anthropic-beta": "a,b,oauth-2025-04-20"}),
        (WireFormat.OPENAI_CHAT, KeyKind.API_KEY, {"authorization": "Bearer real-key"}),
        (WireFormat.OPENAI_RESPONSES, KeyKind.API_KEY, {"authorization": "Bearer real-key"}),
        (WireFormat.GOOGLE, KeyKind.API_KEY, {"x-goog-api-key": "real-key"}),
    ],
)  # fmt: skip
def test_what_goes_upstream(wire_format: WireFormat, kind: KeyKind, expected: dict[str, str]) -> None:
    assert upstream_headers(wire_format, OFFERED, model(kind)) == COMMON | expected


@pytest.mark.parametrize("wire_format", list(WireFormat))
@pytest.mark.parametrize(
    "offered",
    [
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"accept": "text/plain"},
        {"user-agent": "h\udcff", "anthropic-beta": "a\r\nx-api-key: b", "openai-beta": "é"},
        {"user-agent": "h" * 501, "x-goog-api-client": "\x00", "anthropic-version": "2023-06-01\t"},
    ],
)
def test_what_the_body_is_is_not_the_harness_to_say(wire_format: WireFormat, offered: dict[str, str]) -> None:
    bare = upstream_headers(wire_format, {}, model())
    assert bare["content-type"] == "application/json"
    assert upstream_headers(wire_format, offered, model()) == bare


@pytest.mark.parametrize("wire_format", list(WireFormat))
def test_without_a_key_no_credential_goes_upstream(wire_format: WireFormat) -> None:
    headers = upstream_headers(wire_format, OFFERED, model(key=None))
    assert "kept-by-freehold" not in str(headers)


def test_what_comes_back() -> None:
    upstream = {
        "Content-Type": "text/event-stream", "Retry-After": "3", "Request-Id": "req_1", "Set-Cookie": "a=b",
        "anthropic-organization-id": "org", "anthropic-ratelimit-requests-remaining": "5", "Server": "cloudflare",
        "openai-organization": "org", "Location": "https://elsewhere", "X-Request-Id": "echo real-key back",
        "Transfer-Encoding": "chunked",
    }  # fmt: skip
    assert answer_headers(upstream, [Secret("real-key")]) == {
        "content-type": "text/event-stream", "retry-after": "3", "request-id": "req_1",
        "anthropic-ratelimit-requests-remaining": "5", "x-request-id": "echo [hidden] back",
    }  # fmt: skip


def test_a_key_in_a_headers_name_does_not_pass() -> None:
    upstream = {"X-RateLimit-Real-KEY": "1", "anthropic-ratelimit-real-key-x": "1", "x-ratelimit-left": "1"}
    assert answer_headers(upstream, [Secret("Real-Key")]) == {"x-ratelimit-left": "1"}
