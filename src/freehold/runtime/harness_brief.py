"""How each harness is started and told which model to use. Pure: a table of commands, arguments and variables.

Keys are placeholders: the model gateway behind the loopback port adds the real ones outside the run. A harness that
has several roles for models (titles, summaries) is given the agent's first model for all of them: the gateway refuses
what is not in the agent's list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence

from freehold.project.harnesses import BUILTIN, HARNESSES, HarnessChoice
from freehold.project.models import ModelSpec
from freehold.project.providers import REHEARSAL
from freehold.project.wire_formats import WireFormat
from freehold.wire import brief, model_choice, places

GATEWAY = f"http://127.0.0.1:{places.MODEL_PORT}/model"

Command = tuple[str, ...]
Start = tuple[Command, dict[str, str]]
"""Arguments to add to the harness's command, and variables for it."""

_PREFERRED = (WireFormat.ANTHROPIC_MESSAGES, WireFormat.OPENAI_CHAT, WireFormat.OPENAI_RESPONSES, WireFormat.GOOGLE)
_REHEARSED_FIRST = (WireFormat.OPENAI_CHAT, *_PREFERRED)
"""A rehearsal speaks everything; chat completions are the lightest for a client to speak."""


def harness_brief(
    choice: HarnessChoice, command: Command, models: Sequence[ModelSpec], server_tools: Collection[str] = ()
) -> brief.Harness:
    """The harness of a run. `command` is how its image starts it; a harness of one's own brings it in `choice`.

    `server_tools` are the provider-side tools that the gateway lets pass; a harness that offers others is told not to.
    """
    speaking = [(model, _wire_format(choice, model)) for model in models]
    usable = [(model, spoken) for model, spoken in speaking if spoken]
    arguments, variables = _STARTS.get(choice.name, _nothing)(usable, server_tools)
    env = {model_choice.MODELS_VARIABLE: model_choice.encode([_as_choice(*one) for one in usable]), **variables}
    return brief.Harness(name=choice.name, command=[*(choice.command or command), *arguments], env=env)


def _wire_format(choice: HarnessChoice, model: ModelSpec) -> WireFormat | None:
    common = choice.wire_formats & model.wire_formats
    order = _REHEARSED_FIRST if model.provider == REHEARSAL else _PREFERRED
    return next((wire_format for wire_format in order if wire_format in common), None)


def _as_choice(model: ModelSpec, wire_format: WireFormat) -> model_choice.ModelChoice:
    return model_choice.ModelChoice(
        name=model.name, model=model.model, wire_format=wire_format, thinking=model.thinking_level
    )


Usable = list[tuple[ModelSpec, WireFormat]]


def _nothing(_usable: Usable, _server_tools: Collection[str]) -> Start:
    return (), {}


_CLAUDE_CODE_ROLES = (
    "ANTHROPIC_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
)


def _claude_code(usable: Usable, _server_tools: Collection[str]) -> Start:
    model = usable[0][0].model
    quiet = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    return (), {**dict.fromkeys(_CLAUDE_CODE_ROLES, model), **quiet}


def _codex(usable: Usable, server_tools: Collection[str]) -> Start:
    config = {
        "model": usable[0][0].model,
        "model_provider": "freehold",
        "model_providers": {
            "freehold": {
                "name": "Freehold",
                "base_url": f"{GATEWAY}/openai/v1",
                "env_key": "OPENAI_API_KEY",
                "wire_api": "responses",
                "requires_openai_auth": False,
            }
        },
        "web_search": "live" if "web_search" in server_tools else "disabled",
        "analytics": {"enabled": False},
        "check_for_update_on_startup": False,
    }
    variables = {
        "CODEX_CONFIG": json.dumps(config),
        "MODEL_PROVIDER": "freehold",
        # The container is the sandbox; a second one inside it cannot be made without capabilities.
        "INITIAL_AGENT_MODE": "agent-full-access",
        "NO_BROWSER": "1",
    }
    return (), variables


_OPENCODE_PACKAGES = {
    WireFormat.ANTHROPIC_MESSAGES: ("@ai-sdk/anthropic", f"{GATEWAY}/anthropic/v1"),
    WireFormat.OPENAI_CHAT: ("@ai-sdk/openai-compatible", f"{GATEWAY}/openai/v1"),
    WireFormat.OPENAI_RESPONSES: ("@ai-sdk/openai", f"{GATEWAY}/openai/v1"),
}


def _opencode(usable: Usable, _server_tools: Collection[str]) -> Start:
    model, wire_format = usable[0]
    package, base_url = _OPENCODE_PACKAGES[wire_format]
    chosen = f"freehold/{model.model}"
    config = {
        "model": chosen,
        "small_model": chosen,
        "autoupdate": False,
        "share": "disabled",
        "enabled_providers": ["freehold"],
        "provider": {
            "freehold": {
                "npm": package,
                "name": "Freehold",
                "options": {"baseURL": base_url, "apiKey": places.PLACEHOLDER_KEY},
                "models": {model.model: {"name": model.name} for model, spoken in usable if spoken is wire_format},
            }
        },
    }
    quiet = {
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    }
    return (), {"OPENCODE_CONFIG_CONTENT": json.dumps(config), **quiet}


def _gemini(usable: Usable, _server_tools: Collection[str]) -> Start:
    return ("--model", usable[0][0].model), {"GEMINI_TELEMETRY_ENABLED": "false"}


_STARTS: dict[str, Callable[[Usable, Collection[str]], Start]] = {
    BUILTIN: _nothing,
    "claude-code": _claude_code,
    "codex": _codex,
    "opencode": _opencode,
    "gemini": _gemini,
}
assert set(_STARTS) == set(HARNESSES)
