"""The decisions in a conversation with a harness, as tables."""

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runner.conversation import choose_method, failure_of_stop, rejecting
from freehold.runner.refused import as_failure, exit_code_of
from freehold.wire import acp
from freehold.wire.acp_peer import CallRefusedError
from freehold.wire.acp_rpc import RemoteError
from freehold.wire.exits import ExitCode
from freehold.wire.permission import PermissionOption


def methods(*ids: str) -> list[acp.AuthMethod]:
    return [
        acp.AuthMethod(id=name.rstrip("!"), name=name, type="terminal" if name.endswith("!") else "") for name in ids
    ]


@pytest.mark.parametrize(
    ("offered", "wanted", "chosen"),
    [
        (["oauth", "gemini-api-key"], "", "gemini-api-key"),
        (["chatgpt", "openai_api_key", "codex-api-key"], "", "openai_api_key"),
        (["oauth"], "", None),
        ([], "", None),
        (["api-key!"], "", None),
        (["oauth", "api-key"], "oauth", "oauth"),
        (["api-key"], "vertex", None),
    ],
)
def test_choose_method(offered: list[str], wanted: str, chosen: str | None) -> None:
    assert choose_method(methods(*offered), wanted) == chosen


def test_a_method_of_the_variable_kind_is_chosen_whatever_its_name() -> None:
    offered = [acp.AuthMethod(id="a", name="a"), acp.AuthMethod(id="b", name="b", type="env_var")]
    assert choose_method(offered, "") == "b"


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        (["allow_once", "reject_always", "reject_once"], "reject_once"),
        (["allow_once", "reject_always"], "reject_always"),
        (["allow_once"], ""),
        ([], ""),
    ],
)
def test_rejecting(kinds: list[str], chosen: str) -> None:
    assert rejecting([PermissionOption(kind, kind, kind) for kind in kinds]) == chosen


@pytest.mark.parametrize(
    ("stop_reason", "words"),
    [
        ("max_tokens", "longest answer"),
        ("max_turn_requests", "bound of requests"),
        ("refusal", "refused"),
        ("cancelled", "by itself"),
        ("new in version 3", "the turn stopped: new in version 3"),
    ],
)
def test_a_turn_that_did_not_do_its_work(stop_reason: str, words: str) -> None:
    failure = failure_of_stop("opencode", stop_reason)
    assert failure is not None
    assert "harness opencode: " in failure.message
    assert words in failure.message


def test_a_turn_that_did() -> None:
    assert failure_of_stop("opencode", "end_turn") is None


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        ({"code": "budget", "message": "spent", "hint": "h"}, Code.BUDGET, "spent"),
        ({"code": "budget"}, Code.BUDGET, "said"),
        ({"code": 7, "message": "m"}, Code.HARNESS, "harness x refused `p`: said: m"),
        ({"details": "why"}, Code.HARNESS, "harness x refused `p`: said: why"),
        ("why", Code.HARNESS, "harness x refused `p`: said: why"),
        ("said", Code.HARNESS, "harness x refused `p`: said"),
        ([1], Code.HARNESS, "harness x refused `p`: said"),
        (None, Code.HARNESS, "harness x refused `p`: said"),
    ],
)
def test_what_a_refusal_means(data: object, code: Code, message: str) -> None:
    failure = as_failure("x", CallRefusedError("p", RemoteError(-32603, "said", data)))
    assert (failure.code, failure.message) == (code, message)


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        (Code.CREDENTIAL, ExitCode.AUTHENTICATION),
        (Code.DENIED, ExitCode.PERMISSION),
        (Code.RATE_LIMITED, ExitCode.RATE_LIMITED),
        (Code.CONFIG, ExitCode.CONFIGURATION),
        (Code.HARNESS, ExitCode.ERROR),
        (Code.BUDGET, ExitCode.ERROR),
    ],
)
def test_exit_codes(code: Code, exit_code: int) -> None:
    assert exit_code_of(FreeholdError(code, "m")) == exit_code
