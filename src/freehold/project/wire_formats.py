"""Wire formats: the languages in which harnesses ask models and providers answer."""

from __future__ import annotations

from enum import StrEnum


class WireFormat(StrEnum):
    ANTHROPIC_MESSAGES = "anthropic-messages"
    OPENAI_CHAT = "openai-chat"
    OPENAI_RESPONSES = "openai-responses"
    GOOGLE = "google"


EVERY_FORMAT = frozenset(WireFormat)
