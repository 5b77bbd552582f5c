"""Which model a request gets, and where its key may go."""

from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.models.http_model import upstream_url
from freehold.models.listing import list_models, show_model
from freehold.models.policy import ModelPolicy, PolicyModel, provider_model
from freehold.models.routes import Operation, Route
from freehold.project.providers import PROVIDERS
from freehold.project.wire_formats import WireFormat

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
KEY = Secret("sk-secret-key")


def model(name: str, provider: str, base_url: str = "", *, confirmed: bool = False) -> PolicyModel:
    return provider_model(
        name, PROVIDERS[provider], f"{name}-2026", KEY, base_url=base_url, confirmed=confirmed
    )  # fmt: skip


SONNET, HAIKU, GPT = model("sonnet", "anthropic"), model("haiku", "anthropic"), model("gpt", "openai")
POLICY = ModelPolicy((SONNET, GPT, HAIKU))


@pytest.mark.parametrize(
    ("asked", "wire_format", "expected"),
    [
        ("sonnet", ANTHROPIC, (SONNET, HAIKU)),
        ("sonnet-2026", ANTHROPIC, (SONNET, HAIKU)),
        ("haiku", ANTHROPIC, (HAIKU, SONNET)),
        ("gpt", CHAT, (GPT,)),
        ("gpt-2026", RESPONSES, (GPT,)),
    ],
)
def test_the_named_model_first_then_the_list(
    asked: str, wire_format: WireFormat, expected: tuple[PolicyModel, ...]
) -> None:
    assert POLICY.candidates(asked, wire_format) == expected


@pytest.mark.parametrize(
    ("asked", "wire_format", "words"),
    [
        ("opus", ANTHROPIC, "not in this agent's list"),
        ("SONNET", ANTHROPIC, "not in this agent's list"),
        ("gpt", ANTHROPIC, "does not speak anthropic-messages"),
        ("sonnet", GOOGLE, "does not speak google"),
    ],
)
def test_others_are_not_found(asked: str, wire_format: WireFormat, words: str) -> None:
    with pytest.raises(FreeholdError, match=words) as failure:
        POLICY.candidates(asked, wire_format)
    assert failure.value.code is Code.NOT_FOUND


def test_a_rehearsal_plays_every_model_in_every_format() -> None:
    rehearsal = POLICY.rehearsal()
    assert [chosen.name for chosen in rehearsal.models] == ["sonnet", "gpt", "haiku"]
    assert rehearsal.keys == []
    for wire_format in WireFormat:
        assert rehearsal.candidates("whatever", wire_format)[0].rehearsed
    assert ModelPolicy(()).rehearsal().candidates("x", GOOGLE)[0].name == "rehearsal"


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        (SONNET, None),
        (model("m", "anthropic", "https://api.anthropic.com"), None),
        (model("m", "anthropic", "https://proxy.example.com"), Code.DENIED),
        (model("m", "anthropic", "https://proxy.example.com", confirmed=True), None),
        (model("m", "anthropic", "https://api.anthropic.com.evil.example"), Code.DENIED),
        (model("m", "anthropic", "https://api.anthropic.com@evil.example"), Code.DENIED),
        (model("m", "anthropic", "http://api.anthropic.com"), Code.DENIED),
        (model("m", "anthropic", "http://127.0.0.1:8080", confirmed=True), None),
        (model("m", "openai", "http://proxy.example.com/v1", confirmed=True), Code.DENIED),
        (model("m", "custom", "http://gpu-box:8000/v1", confirmed=True), None),
        (model("m", "custom", "http://gpu-box:8000/v1"), Code.DENIED),
        (model("m", "custom", "ftp://gpu-box/v1", confirmed=True), Code.CONFIG),
        (model("m", "custom", "gpu-box/v1", confirmed=True), Code.CONFIG),
    ],
)
def test_a_key_goes_to_its_own_hosts_only(chosen: PolicyModel, code: Code | None) -> None:
    if code is None:
        ModelPolicy((chosen,)).check()
        return
    with pytest.raises(FreeholdError) as failure:
        ModelPolicy((chosen,)).check()
    assert failure.value.code is code
    assert KEY.reveal() not in failure.value.message + failure.value.hint


@pytest.mark.parametrize(
    ("base_url", "wire_format", "operation", "streaming", "url"),
    [
        ("https://api.anthropic.com", ANTHROPIC, Operation.GENERATE, True, "https://api.anthropic.com/v1/messages"),
        ("https://x/claude/v1/", ANTHROPIC, Operation.COUNT, False, "https://x/claude/v1/messages/count_tokens"),
        ("https://api.openai.com/v1", CHAT, Operation.GENERATE, True, "https://api.openai.com/v1/chat/completions"),
        ("http://h:1/v1/", RESPONSES, Operation.GENERATE, False, "http://h:1/v1/responses"),
        ("https://g", GOOGLE, Operation.GENERATE, False, "https://g/v1beta/models/m:generateContent"),
        ("https://g/v1beta", GOOGLE, Operation.GENERATE, True, "https://g/v1beta/models/m:streamGenerateContent?alt=sse"),
        ("https://g", GOOGLE, Operation.COUNT, True, "https://g/v1beta/models/m:countTokens"),
    ],
)  # fmt: skip
def test_where_a_request_goes(
    base_url: str, wire_format: WireFormat, operation: Operation, streaming: bool, url: str
) -> None:
    assert upstream_url(base_url, Route(wire_format, operation), "m", streaming=streaming) == url


def test_lists_show_the_agents_models_only() -> None:
    assert [entry["id"] for entry in list_models("anthropic", POLICY)["data"]] == ["sonnet-2026", "haiku-2026"]
    assert [entry["id"] for entry in list_models("openai", POLICY)["data"]] == ["gpt-2026"]
    assert list_models("google", POLICY) == {"models": []}
    assert show_model("openai", POLICY, "gpt")["id"] == "gpt-2026"
    with pytest.raises(FreeholdError, match="not in this agent's list"):
        show_model("anthropic", POLICY, "opus")
