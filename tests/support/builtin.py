"""The builtin harness as it is started in a run, with a provider that is none."""

from __future__ import annotations

import sys
from pathlib import Path

from aiohttp import web

from freehold.models.fake_upstream import FakeUpstream
from freehold.wire import model_choice
from freehold.wire.brief import Harness
from freehold.wire.model_choice import MODELS_VARIABLE, ModelChoice

SOURCE = Path(__file__).parents[2] / "src"
MODELS = {
    "openai-chat": "gpt-5-mini",
    "openai-responses": "gpt-5-mini",
    "anthropic-messages": "claude-sonnet-4-5",
    "google": "gemini-2.5-pro",
}
"""A model for each wire format that the harness speaks."""
_FAMILIES = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
    "google": "google",
}


def choice(wire_format: str, thinking: str = "") -> ModelChoice:
    return ModelChoice(name="main", model=MODELS[wire_format], wire_format=wire_format, thinking=thinking)


def builtin(wire_format: str = "openai-chat", thinking: str = "") -> Harness:
    env = {"PYTHONPATH": str(SOURCE), MODELS_VARIABLE: model_choice.encode([choice(wire_format, thinking)])}
    return Harness(name="builtin", command=[sys.executable, "-m", "freehold.harness.main"], env=env)


def gateway(upstream: FakeUpstream, wire_format: str = "openai-chat") -> web.Application:
    """`/model/<family>/...` answered by the upstream, as the keeper's gateway would."""
    application = web.Application()
    mount(application, upstream, wire_format)
    return application


def mount(application: web.Application, upstream: FakeUpstream, wire_format: str = "openai-chat") -> None:
    application.add_subapp(f"/model/{_FAMILIES[wire_format]}", upstream.app)


def urls(base: str) -> dict[str, str]:
    """The variables that lead the SDKs there, as the runner sets them."""
    return {
        "ANTHROPIC_BASE_URL": f"{base}/model/anthropic",
        "OPENAI_BASE_URL": f"{base}/model/openai/v1",
        "GOOGLE_GEMINI_BASE_URL": f"{base}/model/google",
    }
