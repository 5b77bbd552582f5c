"""Providers of models: what each is called, where it answers, what it speaks, and which key opens it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from freehold.project.wire_formats import EVERY_FORMAT, WireFormat

_CHAT = frozenset({WireFormat.OPENAI_CHAT})


@dataclass(frozen=True)
class Provider:
    """`base_url` is what a model's `base_url` replaces: for OpenAI's wire formats it ends with the version (`…/v1`,
    as its SDKs want it), for Anthropic and Google it does not (`/v1/messages`, `/v1beta/models/…` follow).

    `hosts` are the provider's own; its key may go there without a question. `credential` is the type that holds the
    key; empty where none is needed.
    """

    name: str
    label: str
    base_url: str
    hosts: frozenset[str]
    wire_formats: frozenset[WireFormat]
    credential: str


def _provider(name: str, label: str, base_url: str, wire_formats: frozenset[WireFormat] = _CHAT) -> Provider:
    host = urlsplit(base_url).hostname
    hosts = frozenset({host}) if host else frozenset[str]()
    return Provider(name, label, base_url, hosts, wire_formats, f"{name}_key")


REHEARSAL = "rehearsal"
CUSTOM = "custom"

PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        _provider("anthropic", "Anthropic", "https://api.anthropic.com", frozenset({WireFormat.ANTHROPIC_MESSAGES})),
        _provider(
            "openai",
            "OpenAI",
            "https://api.openai.com/v1",
            frozenset({WireFormat.OPENAI_CHAT, WireFormat.OPENAI_RESPONSES}),
        ),
        _provider("google", "Google", "https://generativelanguage.googleapis.com", frozenset({WireFormat.GOOGLE})),
        _provider("groq", "Groq", "https://api.groq.com/openai/v1"),
        _provider("xai", "xAI", "https://api.x.ai/v1"),
        _provider("mistral", "Mistral", "https://api.mistral.ai/v1"),
        _provider("openrouter", "OpenRouter", "https://openrouter.ai/api/v1"),
        _provider(CUSTOM, "any server that speaks OpenAI's chat completions", ""),
        Provider(REHEARSAL, "no model: the turns of rehearsal.yaml", "", frozenset(), EVERY_FORMAT, ""),
    )
}
