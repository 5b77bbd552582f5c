"""The allow-list: what is let out, why, and which key to change when it is not."""

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.egress.rules import allow_list, nothing

RULES = allow_list(
    "dev",
    egress=["api.example.com", "*.Example.org", "bücher.example"],
    credential_hosts={"github_token": ["github.com", "api.github.com"]},
    registries=["pypi.org"],
    ssh=True,
)
WITHOUT_SSH = allow_list("dev", egress=["example.com"])


@pytest.mark.parametrize(
    ("host", "port", "source"),
    [
        ("api.example.com", 443, "egress"),
        ("API.Example.COM.", 443, "egress"),
        ("a.b.example.org", 443, "egress"),
        ("xn--bcher-kva.example", 443, "egress"),
        ("github.com", 443, "credential github_token"),
        ("github.com", 22, "credential github_token"),
        ("api.example.com", 22, "egress"),
        ("pypi.org", 443, "package registry"),
    ],
)
def test_what_is_let_out(host: str, port: int, source: str) -> None:
    decision = RULES.decide(host, port)
    assert decision.allowed
    assert decision.reason == source
    assert decision.port == port


def test_a_decision_names_the_host_in_its_one_spelling() -> None:
    assert RULES.decide("GitHub.com.", 443).host == "github.com"


@pytest.mark.parametrize(
    ("host", "port", "reason", "hint"),
    [
        ("evil.example", 443, "not in the allow-list", '`egress` in agents/dev/config.toml'),
        ("example.org", 443, "not in the allow-list", 'add "example.org"'),
        ("github.com.evil.example", 443, "not in the allow-list", "allowed now: *.example.org, api.example.com"),
        ("github.com", 80, "plain HTTP", "https://github.com/"),
        ("github.com", 8443, "port 8443", "443"),
        ("pypi.org", 22, 'port 22 of "pypi.org"', "443"),
        ("127.0.0.1", 443, "is an address", "name"),
        ("[::1]", 443, "address", "name"),
        ("2130706433", 443, "is an address", "name"),
        ("a b", 443, "not a host name", "name"),
        ("", 443, "empty", "name"),
    ],
)  # fmt: skip
def test_what_is_refused(host: str, port: int, reason: str, hint: str) -> None:
    decision = RULES.decide(host, port)
    assert not decision.allowed
    assert reason in decision.reason
    assert hint in decision.hint


def test_port_22_needs_git_ssh() -> None:
    decision = WITHOUT_SSH.decide("example.com", 22)
    assert not decision.allowed
    assert 'add "git_ssh" to `credentials` in agents/dev/config.toml' in decision.hint


def test_rules_that_are_closed_say_why_for_every_host() -> None:
    rules = nothing("dev", 'this run has network = "none"')
    assert rules.decide("pypi.org", 443).reason == 'this run has network = "none"'


def test_a_bad_entry_names_file_key_and_entry() -> None:
    with pytest.raises(FreeholdError) as caught:
        allow_list("dev", egress=["https://example.com/"])
    assert caught.value.code is Code.CONFIG
    assert caught.value.message.startswith('agents/dev/config.toml: egress: "https://example.com/" is a URL')


def test_what_a_client_wrote_is_shown_short_and_plain() -> None:
    decision = RULES.decide("x" * 100_000 + "\r\nSet-Cookie: a", 443)
    assert len(decision.host) <= 100
    assert "\n" not in decision.reason
