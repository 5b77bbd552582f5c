"""What goes wrong with a model, in the words of a `FreeholdError`; and whether asking again may help."""

from __future__ import annotations

from typing import Any

from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
)

from freehold.base.errors import Code, FreeholdError
from freehold.base.excerpt import excerpt

_LONGEST = 2000
_CODES = {401: Code.CREDENTIAL, 403: Code.DENIED, 404: Code.NOT_FOUND, 429: Code.RATE_LIMITED, 529: Code.RATE_LIMITED}


def is_passing(error: AgentRunError) -> bool:
    """A connection that broke, before the answer or within it: the keeper may have been replaced meanwhile."""
    if isinstance(error, ModelHTTPError):
        return error.in_stream and error.status_code >= 500
    return isinstance(error, ModelConnectionError) or type(error) is ModelAPIError


def is_too_long(error: AgentRunError) -> bool:
    """The conversation no longer fits into what the model can read."""
    return isinstance(error, ModelContextWindowExceededError)


def as_failure(error: AgentRunError, model: str) -> FreeholdError:
    """The gateway's own sentence where the answer carries one (spent budget, model not allowed, rate limit)."""
    if isinstance(error, ModelHTTPError):
        said = _sentence(error.body) or str(error)
        code = _CODES.get(error.status_code, Code.UPSTREAM)
        return FreeholdError(code, excerpt(said, _LONGEST), _answered(model, error.status_code))
    return FreeholdError(Code.UPSTREAM, f"model {model}: {excerpt(str(error), _LONGEST)}", "freehold logs RUN")


def _answered(model: str, status: int) -> str:
    return f'That is what was answered when the model "{model}" was asked (HTTP status {status}).'


def _sentence(body: Any) -> str:
    """`message` of an error body: at the top, or in `error` (Anthropic, OpenAI, Google; SDKs strip the outer part)."""
    if isinstance(body, str):
        return body.strip()
    if isinstance(body, list) and body:
        return _sentence(body[0])
    if isinstance(body, dict):
        inner = body.get("error")
        if isinstance(inner, dict | str):
            return _sentence(inner)
        if isinstance(body.get("message"), str):
            return str(body["message"])
    return ""
