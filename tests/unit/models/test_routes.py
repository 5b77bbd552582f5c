"""What the gateway passes, and what it does not."""

from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.models.routes import Operation, Route, find_route
from freehold.project.wire_formats import WireFormat

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
GENERATE, COUNT, LIST, SHOW = Operation


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("POST", "/model/anthropic/v1/messages", Route(ANTHROPIC, GENERATE)),
        ("POST", "/model/anthropic/v1/messages/count_tokens", Route(ANTHROPIC, COUNT)),
        ("GET", "/model/anthropic/v1/models", Route(ANTHROPIC, LIST)),
        ("GET", "/model/anthropic/v1/models/claude-sonnet-4-5", Route(ANTHROPIC, SHOW, "claude-sonnet-4-5")),
        ("POST", "/model/openai/v1/chat/completions", Route(CHAT, GENERATE)),
        ("POST", "/model/openai/chat/completions", Route(CHAT, GENERATE)),
        ("POST", "/model/openai/v1/responses", Route(RESPONSES, GENERATE)),
        ("POST", "/model/openai/v1/responses/input_tokens", Route(RESPONSES, COUNT)),
        ("GET", "/model/openai/v1/models", Route(CHAT, LIST)),
        ("GET", "/model/openai/v1/models/anthropic/claude-4", Route(CHAT, SHOW, "anthropic/claude-4")),
        ("POST", "/model/google/v1beta/models/gemini-2.5:generateContent", Route(GOOGLE, GENERATE, "gemini-2.5")),
        ("POST", "/model/google/v1/models/gemini-2.5-pro:countTokens", Route(GOOGLE, COUNT, "gemini-2.5-pro")),
        ("POST", "/model/google/v1beta/models/g:streamGenerateContent", Route(GOOGLE, GENERATE, "g", streaming=True)),
        ("GET", "/model/google/v1beta/models", Route(GOOGLE, LIST)),
    ],
)  # fmt: skip
def test_what_passes(method: str, path: str, route: Route) -> None:
    assert find_route(method, path, {"alt": "sse"}) == route


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/model/anthropic/v1/messages", Code.DENIED),
        ("DELETE", "/model/openai/v1/models/gpt-5", Code.DENIED),
        ("PUT", "/model/openai/v1/responses", Code.DENIED),
        ("HEAD", "/model/anthropic", Code.NOT_FOUND),
        ("POST", "/model/anthropic/v1/messages/batches", Code.NOT_FOUND),
        ("POST", "/model/anthropic/v1/files", Code.NOT_FOUND),
        ("GET", "/model/anthropic/v1/organizations/users", Code.NOT_FOUND),
        ("POST", "/model/openai/v1/files", Code.NOT_FOUND),
        ("POST", "/model/openai/v1/images/generations", Code.NOT_FOUND),
        ("GET", "/model/openai/v1/responses/resp_123", Code.NOT_FOUND),
        ("POST", "/model/openai/v1/fine_tuning/jobs", Code.NOT_FOUND),
        ("POST", "/model/google/v1beta/models/g:predict", Code.NOT_FOUND),
        ("POST", "/model/google/v1beta/models/g:batchEmbedContents", Code.NOT_FOUND),
        ("POST", "/model/google/upload/v1beta/files", Code.NOT_FOUND),
        ("POST", "/model/anthropic/v1/messages/", Code.NOT_FOUND),
        ("POST", "/model/anthropic/v1//messages", Code.NOT_FOUND),
        ("POST", "/model/anthropic/v1/../v1/messages", Code.NOT_FOUND),
        ("POST", "/model/anthropic/v1/%6dessages", Code.NOT_FOUND),
        ("POST", "/model/google/v1beta/models/..%2f..%2fx:generateContent", Code.NOT_FOUND),
        ("POST", "/model/google/v1beta/models/../files:generateContent", Code.NOT_FOUND),
        ("POST", "/model/mistral/v1/chat/completions", Code.NOT_FOUND),
        ("POST", "/v1/messages", Code.NOT_FOUND),
        ("POST", "/model/", Code.NOT_FOUND),
    ],
)
def test_what_does_not_pass(method: str, path: str, code: Code) -> None:
    with pytest.raises(FreeholdError) as failure:
        find_route(method, path, {})
    assert failure.value.code is code


def test_google_streams_are_passed_as_events_only() -> None:
    with pytest.raises(FreeholdError, match="event stream only") as failure:
        find_route("POST", "/model/google/v1beta/models/g:streamGenerateContent", {})
    assert "?alt=sse" in failure.value.hint
