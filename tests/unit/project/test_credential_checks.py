"""The table of checks, and how answers are understood: nothing is called refused that was not."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from freehold.base.hosts import HostPattern
from freehold.base.secret import Secret
from freehold.project.credential import Purpose
from freehold.project.credential_checks import CHECKS, KEY_PAIRS, why_no_check
from freehold.project.credential_question import Answer, Outcome, Question, judge
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.providers import PROVIDERS

ACCEPTED, LIMITED, REFUSED, UNASKED = Outcome.ACCEPTED, Outcome.LIMITED, Outcome.REFUSED, Outcome.UNASKED


def questions() -> list[tuple[str, Question]]:
    found = []
    for name, check in CHECKS.items():
        for question in (check.question, *(question for _, question in check.by_prefix)):
            found += [(name, question), *([(name, question.otherwise)] if question.otherwise else [])]
    return found


def test_every_type_is_checked_or_says_why_not() -> None:
    for name, kind in CREDENTIAL_TYPES.items():
        ways = (name in CHECKS, name in KEY_PAIRS, why_no_check(kind) != "nobody can be asked about it")
        assert ways.count(True) == 1, name
    assert {*CHECKS, *KEY_PAIRS} <= {*CREDENTIAL_TYPES}


@pytest.mark.parametrize(("name", "question"), questions())
def test_a_question_fits_its_type(name: str, question: Question) -> None:
    kind = CREDENTIAL_TYPES[name]
    assert set(question.fields) <= set(kind.field_names)
    assert question.fields
    assert "{" not in question.base_url + question.path, "a value never stands in a URL"
    assert "{token}" not in question.body
    if name != "custom_key":
        parts = urlsplit(question.base_url)
        assert parts.scheme == "https"
        opened = {PROVIDERS[name.removesuffix("_key")].hosts} if kind.is_model_key else set()
        own = {host for hosts in opened for host in hosts} | set(kind.egress)
        assert any(HostPattern.parse(host).matches(parts.hostname or "") for host in own)


def test_webhook_secrets_have_nobody_to_ask() -> None:
    for kind in CREDENTIAL_TYPES.values():
        if kind.purpose is Purpose.WEBHOOK_SECRET:
            assert "nobody to ask" in why_no_check(kind)


GITHUB_USER = {"login": "octocat", "id": 1, "type": "User"}  # docs.github.com, "Get the authenticated user"
ANTHROPIC_MODELS = {"data": [{"id": "claude-sonnet-4-5", "type": "model"}], "has_more": True}
ANTHROPIC_REFUSES = {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}
OPENAI_MODELS = {"object": "list", "data": [{"id": "gpt-5", "object": "model"}]}
GOOGLE_REFUSES = {
    "error": {
        "code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
    }
}  # fmt: skip
GOOGLE_WRONG_REQUEST = {"error": {"code": 400, "message": "Invalid page size", "status": "INVALID_ARGUMENT"}}
XAI_REFUSES = {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: ba***na."}
SENTRY_ROOT = {"version": "0", "auth": {"scopes": ["event:read", "org:read"]}, "user": {"username": "ana"}}
LINEAR_VIEWER = {"data": {"viewer": {"name": "Ana", "email": "ana@example.com"}}}


def linear_error(code: str) -> dict[str, Any]:
    return {"errors": [{"message": "no", "extensions": {"code": code}}]}


@pytest.mark.parametrize(
    ("name", "status", "body", "outcome"),
    [
        ("github_token", 200, GITHUB_USER, ACCEPTED),
        ("github_token", 401, {"message": "Bad credentials"}, REFUSED),
        ("github_token", 403, {"message": "Resource not accessible by integration"}, LIMITED),
        ("github_token", 404, {"message": "Not Found"}, UNASKED),
        ("github_token", 502, None, UNASKED),
        ("anthropic_key", 200, ANTHROPIC_MODELS, ACCEPTED),
        ("anthropic_key", 401, ANTHROPIC_REFUSES, REFUSED),
        ("anthropic_key", 403, {"type": "error", "error": {"type": "permission_error"}}, LIMITED),
        ("anthropic_key", 529, {"type": "error", "error": {"type": "overloaded_error"}}, UNASKED),
        ("openai_key", 200, OPENAI_MODELS, ACCEPTED),
        ("openai_key", 401, {"error": {"code": "invalid_api_key"}}, REFUSED),
        ("openai_key", 403, {"error": {"message": "Missing scopes: api.model.read"}}, LIMITED),
        ("groq_key", 401, {"error": {"code": "invalid_api_key"}}, REFUSED),
        ("google_key", 200, {"models": [{"name": "models/gemini"}]}, ACCEPTED),
        ("google_key", 400, GOOGLE_REFUSES, REFUSED),
        ("google_key", 400, GOOGLE_WRONG_REQUEST, UNASKED),
        ("xai_key", 400, XAI_REFUSES, REFUSED),
        ("xai_key", 200, OPENAI_MODELS, ACCEPTED),
        ("mistral_key", 401, {"detail": "Unauthorized"}, REFUSED),
        ("openrouter_key", 200, {"data": {"label": "sk-or-v1-0e6...1c96", "usage": 1}}, ACCEPTED),
        ("openrouter_key", 401, {"error": {"message": "User not found.", "code": 401}}, REFUSED),
        ("custom_key", 200, OPENAI_MODELS, ACCEPTED),
        ("custom_key", 404, {"error": "not found"}, UNASKED),
        ("sentry_token", 200, SENTRY_ROOT, ACCEPTED),
        ("sentry_token", 200, {"version": "0", "auth": None, "user": None}, REFUSED),
        ("sentry_token", 200, {"version": "0"}, UNASKED),
        ("sentry_token", 401, {"detail": "Invalid token"}, REFUSED),
        ("bugsnag_token", 200, {"id": "1", "name": "Ana", "email": "ana@example.com"}, ACCEPTED),
        ("bugsnag_token", 401, b"", REFUSED),
        ("netlify_token", 200, {"id": "1", "full_name": "Ana", "email": "ana@example.com"}, ACCEPTED),
        ("netlify_token", 401, {"code": 401, "message": "Access Denied"}, REFUSED),
        ("linear_token", 200, LINEAR_VIEWER, ACCEPTED),
        ("linear_token", 400, linear_error("AUTHENTICATION_ERROR"), REFUSED),
        ("linear_token", 200, linear_error("FORBIDDEN"), LIMITED),
        ("linear_token", 400, linear_error("RATELIMITED"), UNASKED),
        ("linear_oauth", 401, linear_error("AUTHENTICATION_ERROR"), REFUSED),
        # api.slack.com/methods/auth.test
        ("slack_bot_token", 200, {"ok": True, "user": "bot", "team": "Acme"}, ACCEPTED),
        ("slack_bot_token", 200, {"ok": False, "error": "invalid_auth"}, REFUSED),
        ("slack_bot_token", 200, {"ok": False, "error": "missing_scope"}, LIMITED),
        ("slack_bot_token", 200, {"ok": False, "error": "internal_error"}, UNASKED),
        ("discord_bot", 200, {"id": "1", "username": "bot"}, ACCEPTED),
        ("discord_bot", 401, {"message": "401: Unauthorized", "code": 0}, REFUSED),
        ("cloudflare_api_token", 200, {"success": True, "result": {"id": "1", "status": "active"}}, ACCEPTED),
        ("cloudflare_api_token", 200, {"success": True, "result": {"id": "1", "status": "expired"}}, REFUSED),
        ("cloudflare_api_token", 401, {"success": False, "errors": [{"message": "Invalid API Token"}]}, REFUSED),
        ("vultr_api_key", 200, {"account": {"name": "Ana", "email": "a@b.c", "acls": ["manage_users"]}}, ACCEPTED),
        ("vultr_api_key", 401, {"error": "Invalid API token.", "status": 401}, REFUSED),
        ("hetzner_api_key", 200, {"locations": []}, ACCEPTED),
        ("hetzner_api_key", 401, {"error": {"code": "unauthorized", "message": "unable to authenticate"}}, REFUSED),
        ("reddit_oauth", 200, {"access_token": "x", "scope": "*"}, ACCEPTED),
        ("reddit_oauth", 200, {"error": "invalid_grant"}, REFUSED),
        ("reddit_oauth", 200, {"error": "unsupported_grant_type"}, UNASKED),
        ("reddit_oauth", 401, {"message": "Unauthorized", "error": 401}, REFUSED),
        ("reddit_oauth", 403, None, UNASKED),
        ("x_twitter_api", 200, {"data": {"project_id": "1"}}, ACCEPTED),
        ("x_twitter_api", 401, {"title": "Unauthorized", "status": 401}, REFUSED),
        ("x_twitter_api", 403, {"title": "Client Forbidden", "reason": "client-not-enrolled"}, LIMITED),
    ],
)
def test_what_an_answer_means(name: str, status: int, body: Any, outcome: Outcome) -> None:
    question = CHECKS[name].question_for({"token": Secret("x")})
    assert judge(question, Answer(status, body)).outcome is outcome


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_what_is_no_answer_of_the_provider_says_nothing_of_the_credential(name: str) -> None:
    """A page of a proxy or of a hotel, an answer of another server, a redirect, a limit."""
    question = CHECKS[name].question
    for answer in (
        Answer(200, None),
        Answer(200, {}),
        Answer(200, []),
        Answer(200, "welcome"),
        Answer(204, None),
        Answer(302, None),
        Answer(307, {"login": "x"}),
        Answer(403, None),
        Answer(429, {"error": "slow down"}),
        Answer(403, {"message": "rate limit"}, {"x-ratelimit-remaining": "0"}),
        Answer(403, {"message": "secondary limit"}, {"retry-after": "60"}),
        Answer(500, {"error": "x"}),
    ):
        assert judge(question, answer).outcome is UNASKED, answer


def test_as_whom_and_what_it_may_do() -> None:
    def judged(name: str, body: Any, **headers: str) -> tuple[str, str]:
        found = judge(CHECKS[name].question, Answer(200, body, headers))
        return found.who, found.scopes

    assert judged("github_token", GITHUB_USER, **{"x-oauth-scopes": "repo, workflow"}) == ("octocat", "repo, workflow")
    assert judged("github_token", GITHUB_USER) == ("octocat", "")
    assert judged("sentry_token", SENTRY_ROOT) == ("ana", "event:read, org:read")
    assert judged("slack_bot_token", {"ok": True, "user": "bot", "team": "Acme"}) == ("bot, Acme", "")
    assert judged("linear_token", LINEAR_VIEWER) == ("Ana, ana@example.com", "")
    assert judged("reddit_oauth", {"access_token": "x", "scope": "read submit"}) == ("", "read submit")
    assert judged("github_token", {"login": {"not": "text"}}) == ("", "")


def test_anthropics_oauth_tokens_are_shown_as_such() -> None:
    key = CHECKS["anthropic_key"].question_for({"token": Secret("sk-ant-api03-x")})
    oauth = CHECKS["anthropic_key"].question_for({"token": Secret("sk-ant-oat01-x")})
    assert ("x-api-key", "{token}") in key.headers
    assert ("authorization", "Bearer {token}") in oauth.headers
    assert "x-api-key" not in dict(oauth.headers)
