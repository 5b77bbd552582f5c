"""Which models a harness may ask for: told to it in a variable, answered by the model gateway on the loopback."""

from __future__ import annotations

from typing import Final

import msgspec

MODELS_VARIABLE: Final = "FREEHOLD_MODELS"
"""Holds a JSON list of `ModelChoice`, the first one first. It names no key: keys stay with the keeper."""


class ModelChoice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model of the agent's list.

    `name` is the table in `config.toml`, `model` the provider's id. `wire_format` is `anthropic-messages`,
    `openai-chat`, `openai-responses` or `google`; `thinking` is `thinkingLevel` (`off` … `xhigh`), empty when unset.
    """

    name: str
    model: str
    wire_format: str
    thinking: str = ""


def encode(choices: list[ModelChoice]) -> str:
    return msgspec.json.encode(choices).decode()


def decode(text: str) -> list[ModelChoice]:
    """Raises `msgspec.DecodeError` for anything that `encode` did not write."""
    return msgspec.json.decode(text, type=list[ModelChoice])
