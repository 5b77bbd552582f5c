"""From a choice of the agent's list to a model of pydantic-ai; each SDK is imported only when it is the one in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import one_of
from freehold.wire.model_choice import ModelChoice
from freehold.wire.places import PLACEHOLDER_KEY

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.settings import ModelSettings, ThinkingLevel

SILENCE_S = 600.0
"""Between two pieces of an answer; the model gateway has its own, shorter patience with providers."""
LONGEST_ANSWER_TOKENS = 8192
LONGEST_THINKING_ANSWER_TOKENS = 32_000
"""Anthropic wants a bound in every request, and one that holds the thinking too."""
_THINKING = ("minimal", "low", "medium", "high", "xhigh")


def build_model(choice: ModelChoice, env: Mapping[str, str]) -> Model:
    """The model, led to the gateway by the base URLs in `env`. Raises `FreeholdError` for an unknown wire format."""
    builder = _BUILDERS.get(choice.wire_format)
    if builder is None:
        raise FreeholdError(
            Code.CONFIG,
            f'model "{choice.name}": unknown wire format "{choice.wire_format}"; there are: {one_of(_BUILDERS)}',
            "This harness and the keeper are of different versions: freehold image build --no-cache",
        )
    return cast("Model", builder(choice, env))


def settings_of(choice: ModelChoice) -> ModelSettings:
    settings: ModelSettings = {"timeout": SILENCE_S}
    if choice.thinking == "off":
        settings["thinking"] = False
    elif choice.thinking in _THINKING:
        settings["thinking"] = cast("ThinkingLevel", choice.thinking)
    if choice.wire_format == "anthropic-messages":
        settings["max_tokens"] = LONGEST_THINKING_ANSWER_TOKENS if settings.get("thinking") else LONGEST_ANSWER_TOKENS
        settings["cache"] = True
    return settings


def _anthropic(choice: ModelChoice, env: Mapping[str, str]) -> Any:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    base_url = env.get("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
    provider = AnthropicProvider(
        api_key=_key(env, "ANTHROPIC_API_KEY"), base_url=base_url, http_client=loopback_client(base_url)
    )
    return AnthropicModel(choice.model, provider=provider)


def _openai_chat(choice: ModelChoice, env: Mapping[str, str]) -> Any:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile

    # An answer that ends without saying why was cut; without this it would pass for a whole one.
    profile = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
    return OpenAIChatModel(choice.model, provider=_openai_provider(env), profile=profile)


def _openai_responses(choice: ModelChoice, env: Mapping[str, str]) -> Any:
    from pydantic_ai.models.openai import OpenAIResponsesModel

    return OpenAIResponsesModel(choice.model, provider=_openai_provider(env))


def _openai_provider(env: Mapping[str, str]) -> Any:
    from pydantic_ai.providers.openai import OpenAIProvider

    base_url = env.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
    client = loopback_client(base_url)
    return OpenAIProvider(api_key=_key(env, "OPENAI_API_KEY"), base_url=base_url, http_client=client)


def _google(choice: ModelChoice, env: Mapping[str, str]) -> Any:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    base_url = env.get("GOOGLE_GEMINI_BASE_URL", "https://generativelanguage.googleapis.com")
    provider = GoogleProvider(
        api_key=_key(env, "GEMINI_API_KEY"), base_url=base_url, http_client=loopback_client(base_url)
    )
    return GoogleModel(choice.model, provider=provider)


_BUILDERS = {
    "anthropic-messages": _anthropic,
    "openai-chat": _openai_chat,
    "openai-responses": _openai_responses,
    "google": _google,
}


def _key(env: Mapping[str, str], variable: str) -> str:
    return env.get(variable) or PLACEHOLDER_KEY


def loopback_client(base_url: str) -> httpx2.AsyncClient | None:
    """For the loopback a client without proxies and certificates (reading those takes 30 ms), else the SDK's own."""
    if not base_url.startswith("http://127.0.0.1"):
        return None
    import httpx2

    timeout = httpx2.Timeout(SILENCE_S, connect=10.0)
    return httpx2.AsyncClient(verify=False, trust_env=False, timeout=timeout)
