"""How each harness is told its model: the gateway's address, placeholder keys, and one model for every role."""

from __future__ import annotations

import json

import pytest

from freehold.project.harnesses import HARNESSES, HarnessChoice
from freehold.project.models import ModelSpec
from freehold.project.providers import PROVIDERS
from freehold.runtime.harness_brief import harness_brief
from freehold.wire import brief, model_choice


def model(provider: str, name: str = "main", model_id: str = "m-1") -> ModelSpec:
    return ModelSpec(name, provider, model_id, "api_key", "", "", PROVIDERS[provider].wire_formats, None)


def told(harness: str, *models: ModelSpec) -> brief.Harness:
    return harness_brief(HarnessChoice(harness), ("start", harness), models)


@pytest.mark.parametrize("harness", sorted(HARNESSES))
def test_every_harness_is_started_and_knows_its_model(harness: str) -> None:
    made = told(harness, model("rehearsal"))
    assert made.command[:2] == ["start", harness]
    assert "m-1" in " ".join([*made.command, *made.env.values()])


@pytest.mark.parametrize(
    ("harness", "provider", "wire_format"),
    [
        ("builtin", "anthropic", "anthropic-messages"),
        ("builtin", "openai", "openai-chat"),
        ("builtin", "google", "google"),
        ("builtin", "rehearsal", "openai-chat"),
        ("claude-code", "rehearsal", "anthropic-messages"),
        ("codex", "openai", "openai-responses"),
        ("gemini", "rehearsal", "google"),
    ],
)
def test_harness_and_model_meet_in_a_wire_format(harness: str, provider: str, wire_format: str) -> None:
    [choice] = model_choice.decode(told(harness, model(provider)).env[model_choice.MODELS_VARIABLE])
    assert (choice.name, choice.model, choice.wire_format) == ("main", "m-1", wire_format)


def test_models_that_a_harness_cannot_speak_to_are_left_out() -> None:
    made = told("claude-code", model("openai", "gpt", "g-1"), model("anthropic", "sonnet", "s-1"))
    assert made.env["ANTHROPIC_MODEL"] == made.env["ANTHROPIC_SMALL_FAST_MODEL"] == "s-1"
    assert "g-1" not in json.dumps(made.env)


def test_opencode_asks_the_gateway_and_nobody_else() -> None:
    config = json.loads(told("opencode", model("anthropic")).env["OPENCODE_CONFIG_CONTENT"])
    assert config["enabled_providers"] == ["freehold"]
    assert config["provider"]["freehold"]["options"]["baseURL"] == "http://127.0.0.1:7701/model/anthropic/v1"
    assert config["small_model"] == config["model"] == "freehold/m-1"


def test_a_harness_of_ones_own_keeps_its_command() -> None:
    made = harness_brief(HarnessChoice("command", ("my-agent", "--acp")), (), [model("groq")])
    assert made.command == ["my-agent", "--acp"]
