from __future__ import annotations

import pytest

from freehold.base.hosts import HostPattern
from freehold.project.credential import CredentialRef, FieldRef, Purpose, is_safe_name, parse_field_ref, parse_ref
from freehold.project.credentials import CREDENTIAL_TYPES, EVERY_CREDENTIAL_TYPE
from freehold.project.providers import PROVIDERS
from freehold.project.webhook_types import SOURCE_TYPES

VARIABLES = {
    "github_token": {"token": ("GITHUB_TOKEN", "GH_TOKEN")},
    "git_ssh": {
        "id_rsa": (), "username": ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"),
        "email": ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"),
    },
    "sentry_token": {"token": ("SENTRY_AUTH_TOKEN",)},
    "linear_token": {"token": ("LINEAR_API_TOKEN",)},
    "linear_oauth": {
        "client_id": ("LINEAR_CLIENT_ID",), "client_secret": ("LINEAR_CLIENT_SECRET",),
        "access_token": ("LINEAR_ACCESS_TOKEN",), "refresh_token": ("LINEAR_REFRESH_TOKEN",),
    },
    "bugsnag_token": {"token": ("BUGSNAG_AUTH_TOKEN",)},
    "netlify_token": {"token": ("NETLIFY_AUTH_TOKEN",)},
    "mintlify_token": {"token": ("MINTLIFY_API_TOKEN",)},
    "slack_bot_token": {"token": ("SLACK_BOT_TOKEN",)},
    "cloudflare_api_token": {"api_token": ("CLOUDFLARE_API_TOKEN",)},
    "vultr_api_key": {"api_key": ("VULTR_API_KEY",)},
    "hetzner_api_key": {"api_key": ("HETZNER_API_KEY",)},
    "reddit_oauth": {
        "client_id": ("REDDIT_CLIENT_ID",), "client_secret": ("REDDIT_CLIENT_SECRET",),
        "username": ("REDDIT_USERNAME",), "password": ("REDDIT_PASSWORD",), "user_agent": ("REDDIT_USER_AGENT",),
    },
    "gcp_service_account": {"key_json": ("GOOGLE_APPLICATION_CREDENTIALS_JSON",)},
    "discord_bot": {
        "application_id": ("DISCORD_APPLICATION_ID",), "public_key": ("DISCORD_PUBLIC_KEY",),
        "bot_token": ("DISCORD_BOT_TOKEN",),
    },
    "x_twitter_api": {
        "consumer_key": ("X_CONSUMER_KEY",), "consumer_secret": ("X_CONSUMER_SECRET",),
        "bearer_token": ("X_BEARER_TOKEN",),
    },
    "x_twitter_user_oauth1": {
        "access_token": ("X_ACCESS_TOKEN",), "access_token_secret": ("X_ACCESS_TOKEN_SECRET",),
    },
    "x_twitter_user_oauth2": {
        "client_id": ("X_OAUTH2_CLIENT_ID",), "client_secret": ("X_OAUTH2_CLIENT_SECRET",),
        "access_token": ("X_OAUTH2_ACCESS_TOKEN",), "refresh_token": ("X_OAUTH2_REFRESH_TOKEN",),
    },
    "vps_ssh": {"private_key": (), "public_key": ()},
    **{f"{name}_key": {"token": (), "hosts": ()} for name in (
        "anthropic", "openai", "groq", "google", "xai", "mistral", "openrouter", "custom")},
    **{name: {"secret": ()} for name in (
        "github_webhook_secret", "sentry_client_secret", "linear_webhook_secret", "mintlify_webhook_secret",
        "slack_signing_secret", "gitlab_webhook_secret", "gitea_webhook_secret", "forgejo_webhook_secret",
        "generic_webhook_secret")},
}  # fmt: skip
"""Read from npm @action-llama/action-llama 0.29.1 (MIT), `dist/credentials/builtins`: agents rely on
these names. `hosts` is ours, and so are the last four."""


def test_types_fields_and_variables_are_those_that_agents_rely_on() -> None:
    ours = {
        name: {field.name: field.env for field in kind.fields}
        for name, kind in CREDENTIAL_TYPES.items()
        if kind.purpose is not Purpose.NOTICE
    }
    assert ours == VARIABLES
    assert len(ours) == 36


def test_every_provider_and_webhook_source_has_its_credential() -> None:
    for provider in PROVIDERS.values():
        if provider.credential:
            assert CREDENTIAL_TYPES[provider.credential].is_model_key
    for source in SOURCE_TYPES.values():
        if source.secret_type:
            assert CREDENTIAL_TYPES[source.secret_type].field(source.secret_field) is not None


def test_model_keys_and_secrets_of_webhooks_and_notices_give_a_run_nothing() -> None:
    for kind in CREDENTIAL_TYPES.values():
        if kind.purpose.value != "service":
            assert kind.env_names == ()
            assert kind.egress == ()


def test_hosts_are_patterns_in_their_one_spelling() -> None:
    for kind in EVERY_CREDENTIAL_TYPE.values():
        assert [str(HostPattern.parse(host)) for host in kind.egress] == list(kind.egress)


def test_a_git_identity_works_without_a_key() -> None:
    assert CREDENTIAL_TYPES["git_ssh"].required_fields == ("username", "email")


REFERENCES = [
    ("github_token", CredentialRef("github_token")),
    ("github_token:acme", CredentialRef("github_token", "acme")),
    (" github_token : acme ", CredentialRef("github_token", "acme")),
    ("github_token:default", CredentialRef("github_token")),
    ("cloudflare_origin_cert:a.example.com", CredentialRef("cloudflare_origin_cert", "a.example.com")),
]


@pytest.mark.parametrize(("text", "reference"), REFERENCES)
def test_references(text: str, reference: CredentialRef) -> None:
    assert parse_ref(text) == reference
    assert parse_ref(str(reference)) == reference
    assert parse_field_ref(f"{reference}.token") == FieldRef(reference, "token")


@pytest.mark.parametrize(
    "text", ["", ":", "a:", ":a", "a/b", "../a", "a:..", "a:b:c", "a:b/c", "a b", "a:\0", "a:" + "x" * 200]
)
def test_references_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="credential"):
        parse_ref(text)


@pytest.mark.parametrize("text", ["", "token", "github_token", "github_token.", ".token", "a:b.c/d"])
def test_field_references_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="credential"):
        parse_field_ref(text)


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a..b", "a\n", "-a"])
def test_names_that_are_not_safe_in_a_path(name: str) -> None:
    assert not is_safe_name(name)
