"""What a model's error becomes, and whether asking again may help."""

import pytest
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelQuotaExceededError,
    UnexpectedModelBehavior,
)

from freehold.base.errors import Code
from freehold.harness.failures import as_failure, is_passing, is_too_long

SPENT = "the agent's budget is spent: raise usd_per_run"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ModelHTTPError(400, "m", {"error": {"message": SPENT, "code": "budget_spent"}}), Code.UPSTREAM, SPENT),
        (ModelHTTPError(400, "m", {"message": SPENT, "type": "insufficient_quota"}), Code.UPSTREAM, SPENT),
        (ModelHTTPError(429, "m", {"type": "error", "error": {"message": "slow"}}), Code.RATE_LIMITED, "slow"),
        (ModelHTTPError(529, "m", {"error": {"message": "overloaded"}}), Code.RATE_LIMITED, "overloaded"),
        (ModelHTTPError(401, "m", [{"error": {"message": "no key"}}]), Code.CREDENTIAL, "no key"),
        (ModelHTTPError(403, "m", "not your model"), Code.DENIED, "not your model"),
        (ModelHTTPError(500, "m", None), Code.UPSTREAM, "status_code: 500, model_name: m, body: None"),
        (ModelAPIError("m", "Connection error."), Code.UPSTREAM, "model m: Connection error."),
        (UnexpectedModelBehavior("garbage"), Code.UPSTREAM, "model m: garbage"),
    ],
)
def test_the_sentence_that_matters(error: AgentRunError, code: Code, message: str) -> None:
    failure = as_failure(error, "m")
    assert (failure.code, failure.message) == (code, message)


def test_the_hint_is_a_sentence() -> None:
    hint = as_failure(ModelHTTPError(400, "m", {"message": SPENT}), "sonnet").hint
    assert hint == 'That is what was answered when the model "sonnet" was asked (HTTP status 400).'


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (ModelConnectionError("m", "refused"), True),
        (ModelAPIError("m", "cut", in_stream=True), True),
        (ModelHTTPError(500, "m", in_stream=True), True),
        (ModelHTTPError(400, "m", in_stream=True), False),
        (ModelHTTPError(500, "m"), False),
        (ModelHTTPError(429, "m"), False),
        (ModelAPIError("m", "Streamed response ended without a finish reason"), True),
        (ModelQuotaExceededError("m", "spent"), False),
        (UnexpectedModelBehavior("garbage"), False),
    ],
)
def test_whether_asking_again_may_help(error: AgentRunError, passing: bool) -> None:
    assert is_passing(error) is passing


def test_a_conversation_that_is_too_long_is_known() -> None:
    assert is_too_long(ModelContextWindowExceededError("m", "too long"))
    assert not is_too_long(ModelHTTPError(400, "m"))
