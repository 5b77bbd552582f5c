"""Which headers pass, in either direction: tables. What is not named does not pass."""

from __future__ import annotations

import re
from collections.abc import Mapping

from freehold.base.secret import Secret, redact
from freehold.models.policy import KeyKind, PolicyModel
from freehold.project.wire_formats import WireFormat

_TOKENS = re.compile(r"[A-Za-z0-9._,= -]{1,1000}")
_WORDS = re.compile(r"[\x20-\x7e]{1,500}")

_ANY_REQUEST = {"user-agent": _WORDS}
_REQUEST: dict[WireFormat, dict[str, re.Pattern[str]]] = {
    WireFormat.ANTHROPIC_MESSAGES: _ANY_REQUEST | {"anthropic-version": _TOKENS, "anthropic-beta": _TOKENS},
    WireFormat.OPENAI_CHAT: _ANY_REQUEST,
    WireFormat.OPENAI_RESPONSES: _ANY_REQUEST | {"openai-beta": _TOKENS},
    WireFormat.GOOGLE: _ANY_REQUEST | {"x-goog-api-client": _WORDS},
}
"""By name, and what a value may look like; one that looks otherwise is left out."""
# What the body is and what is to come back is ours to say: the body was written anew, and a provider that read it in
# another encoding would read what nobody has checked.
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
    passing = _REQUEST[wire_format]
    headers = {name: value for name, value in offered.items() if name in passing and passing[name].fullmatch(value)}
    headers |= {"content-type": "application/json", "accept": "*/*", "accept-encoding": "identity"}
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
    """The headers of an answer that pass to the harness, with every secret in them hidden.

    One whose very name holds a secret is left out.
    """
    lowered = [Secret(secret.reveal().lower()) for secret in secrets]
    return {
        name: redact(value, secrets)
        for name, value in ((name.lower(), value) for name, value in upstream.items())
        if (name in _ANSWER or name.startswith(_ANSWER_PREFIXES)) and redact(name, lowered) == name
    }
