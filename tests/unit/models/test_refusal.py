"""A refusal is understood by whoever speaks the wire format."""

from __future__ import annotations

import json

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.models.refusal import refuse, refuse_midway
from freehold.project.wire_formats import WireFormat

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
ERROR = FreeholdError(Code.BUDGET, "the budget is spent", "raise it")


@pytest.mark.parametrize(
    ("wire_format", "body"),
    [
        (ANTHROPIC, {"type": "error", "error": {"type": "invalid_request_error",
                                                "message": "the budget is spent: raise it"}}),
        (CHAT, {"error": {"message": "the budget is spent: raise it", "type": "insufficient_quota", "param": None,
                          "code": "budget_spent"}}),
        (RESPONSES, {"error": {"message": "the budget is spent: raise it", "type": "insufficient_quota", "param": None,
                               "code": "budget_spent"}}),
        (GOOGLE, {"error": {"code": 400, "message": "the budget is spent: raise it", "status": "FAILED_PRECONDITION"}}),
    ],
)  # fmt: skip
def test_each_format_has_its_own_words(wire_format: WireFormat, body: object) -> None:
    refusal = refuse(wire_format, ERROR)
    assert json.loads(refusal.body) == body
    assert refusal.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("code", "status", "again"),
    [
        (Code.BUDGET, 400, False),
        (Code.USAGE, 400, False),
        (Code.REHEARSAL, 400, False),
        (Code.DENIED, 403, False),
        (Code.NOT_FOUND, 404, False),
        (Code.TOO_LARGE, 413, False),
        (Code.RATE_LIMITED, 429, False),
        (Code.UPSTREAM, 502, True),
        (Code.UNREACHABLE, 502, True),
        (Code.TIMEOUT, 504, True),
        (Code.DISK, 500, False),
    ],
)
def test_statuses_and_whether_another_try_is_worth_it(code: Code, status: int, again: bool) -> None:
    refusal = refuse(CHAT, FreeholdError(code, "x"))
    assert (refusal.status, "x-should-retry" not in refusal.headers) == (status, again)


@pytest.mark.parametrize("wire_format", list(WireFormat))
def test_midway_it_is_one_whole_event(wire_format: WireFormat) -> None:
    event = refuse_midway(wire_format, FreeholdError(Code.UPSTREAM, "the answer was cut"))
    assert event.endswith(b"\n\n")
    named = event.startswith(b"event: error\n")
    assert named == (wire_format in (ANTHROPIC, RESPONSES))
    assert "the answer was cut" in str(json.loads(event.partition(b"data: ")[2]))
