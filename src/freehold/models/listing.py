"""The lists of models that harnesses ask for: the agent's own, answered here (nobody's account is shown)."""

from __future__ import annotations

from typing import Any

from freehold.models.policy import ModelPolicy, PolicyModel
from freehold.models.routes import FAMILY_FORMATS

Json = dict[str, Any]

_LONG_AGO = "2026-01-01T00:00:00Z"
_LONG_AGO_S = 1_767_225_600


def list_models(family: str, policy: ModelPolicy) -> Json:
    """`GET /models` in the words of a family, with the models that speak one of its formats."""
    models = [_described(family, model) for model in _speaking(family, policy)]
    if family == "google":
        return {"models": models}
    if family == "anthropic":
        edges = {"first_id": models[0]["id"] if models else None, "last_id": models[-1]["id"] if models else None}
        return {"data": models, "has_more": False, **edges}
    return {"object": "list", "data": models}


def show_model(family: str, policy: ModelPolicy, asked: str) -> Json:
    """`GET /models/<name>`. Raises `FreeholdError` (`NOT_FOUND`) that names the models there are."""
    return _described(family, policy.candidates(asked, FAMILY_FORMATS[family])[0])


def _speaking(family: str, policy: ModelPolicy) -> list[PolicyModel]:
    prefix = FAMILY_FORMATS[family].partition("-")[0]
    return [model for model in policy.models if any(spoken.startswith(prefix) for spoken in model.wire_formats)]


def _described(family: str, model: PolicyModel) -> Json:
    if family == "google":
        methods = ["generateContent", "streamGenerateContent", "countTokens"]
        return {"name": f"models/{model.model}", "displayName": model.name, "supportedGenerationMethods": methods}
    if family == "anthropic":
        return {"type": "model", "id": model.model, "display_name": model.name, "created_at": _LONG_AGO}
    return {"id": model.model, "object": "model", "created": _LONG_AGO_S, "owned_by": model.provider}
