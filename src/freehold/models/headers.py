"""Which headers pass, in either direction: tables. What is not named does not pass."""

from __future__ import annotations

from collections.abc import Mapping

from freehold.base.secret import Secret, redact
from freehold.models.policy import KeyKind, PolicyModel
from freehold.project.wire_formats import WireFormat

_ANY_REQUEST = frozenset({"accept", "content-type", "user-agent"})
_REQUEST: dict[WireFormat, frozenset[str]] = {
    WireFormat.ANTHROPIC_MESSAGES: _ANY_REQUEST | {"anthropic-version", "anthropic-beta"},
    WireFormat.OPENAI_CHAT: _ANY_REQUEST,
    WireFormat.OPENAI_RESPONSES: _ANY_REQUEST | {"openai-beta"},
    WireFormat.GOOGLE: _ANY_REQUEST | {"x-goog-api-client"},
}
# Organisation, project and account headers are left out on purpose: they choose who pays.

_ANSWER = frozenset({
    "content-type", "retry-after", "retry-after-ms", "x-should-retry", "request-id", "x-request-id",
    "openai-processing-ms", "openai-version", "openai-model",
})  # fmt: skip
_ANSWER_PREFIXES = ("anthropic-ratelimit-", "x-ratelimit-")

_OAUTH_BETA = "oauth-2025-04-20"
"""What Anthropic wants to see beside an OAuth token instead of a key."""
_ANTHROPIC_VERSION = "2023-06-01"


def upstream_headers(wire_format: WireFormat, offered: Mapping[str, str], model: PolicyModel) -> dict[str, str]:
    """The headers of the request to `model`: those of the harness that pass, and the real credential.

    `offered` has lower-case names. Call `model.check()` before: this puts the key in.
    """
    headers = {name: value for name, value in offered.items() if name in _REQUEST[wire_format]}
    headers["accept-encoding"] = "identity"
    headers.setdefault("content-type", "application/json")
    if wire_format is WireFormat.ANTHROPIC_MESSAGES:
        headers.setdefault("anthropic-version", _ANTHROPIC_VERSION)
    if model.key is not None:
        _add_credential(wire_format, headers, model.key, model.key_kind)
    return headers


def _add_credential(wire_format: WireFormat, headers: dict[str, str], key: Secret, kind: KeyKind) -> None:
    if wire_format is WireFormat.GOOGLE:
        headers["x-goog-api-key"] = key.reveal()
    elif wire_format is WireFormat.ANTHROPIC_MESSAGES and kind is KeyKind.API_KEY:
        headers["x-api-key"] = key.reveal()
    else:
        headers["authorization"] = f"Bearer {key.reveal()}"
    if wire_format is WireFormat.ANTHROPIC_MESSAGES and kind is KeyKind.OAUTH_TOKEN:
        betas = [beta for beta in headers.get("anthropic-beta", "").split(",") if beta]
        headers["anthropic-beta"] = ",".join([*betas, *([] if _OAUTH_BETA in betas else [_OAUTH_BETA])])


def answer_headers(upstream: Mapping[str, str], secrets: list[Secret]) -> dict[str, str]:
    """The headers of an answer that pass to the harness, with every secret in them hidden."""
    return {
        name.lower(): redact(value, secrets)
        for name, value in upstream.items()
        if name.lower() in _ANSWER or name.lower().startswith(_ANSWER_PREFIXES)
    }
