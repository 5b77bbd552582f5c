"""How each type of credential is checked with whoever gave it out: the cheapest call that only looks, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from freehold.base.secret import Secret
from freehold.project.credential import CredentialType, Purpose
from freehold.project.credential_question import FORBIDDEN, UNAUTHORIZED, Question, Sign
from freehold.project.providers import PROVIDERS

_JSON = ("content-type", "application/json")


@dataclass(frozen=True)
class Check:
    """`question`, or another for a value of the field `token` that begins in a certain way."""

    question: Question
    by_prefix: tuple[tuple[str, Question], ...] = ()

    def question_for(self, values: Mapping[str, Secret]) -> Question:
        token = values.get("token")
        written = token.reveal() if token else ""
        return next((question for prefix, question in self.by_prefix if written.startswith(prefix)), self.question)


def _bearer(base_url: str, path: str, field: str = "token") -> Question:
    return Question(base_url, path, headers=(("authorization", f"Bearer {{{field}}}"),))


def _model(provider: str, path: str) -> Question:
    """A list of models: free, and every key may read it. `base_url` of a project's model may take its place."""
    return _bearer(PROVIDERS[provider].base_url, path)


_ANTHROPIC = Question(
    PROVIDERS["anthropic"].base_url,
    "/v1/models?limit=1",
    accepted=(Sign((200,), ("data",)),),
    headers=(("x-api-key", "{token}"), ("anthropic-version", "2023-06-01")),
)
_MODEL_LIST = Sign((200,), ("data",))

_MODEL_KEYS = {
    "anthropic_key": Check(
        _ANTHROPIC,
        by_prefix=(
            (
                "sk-ant-oat",
                replace(
                    _ANTHROPIC,
                    headers=(
                        ("authorization", "Bearer {token}"),
                        ("anthropic-version", "2023-06-01"),
                        ("anthropic-beta", "oauth-2025-04-20"),
                    ),
                ),
            ),
        ),
    ),
    "openai_key": Check(replace(_model("openai", "/models"), accepted=(_MODEL_LIST,))),
    "groq_key": Check(replace(_model("groq", "/models"), accepted=(_MODEL_LIST,))),
    "google_key": Check(
        Question(
            PROVIDERS["google"].base_url,
            "/v1beta/models?pageSize=1",
            accepted=(Sign((200,), ("models",)),),
            refused=(UNAUTHORIZED, Sign((400,), ("error", "details", 0, "reason"), ("API_KEY_INVALID",))),
            headers=(("x-goog-api-key", "{token}"),),
        )
    ),
    "xai_key": Check(
        # It calls a key that it does not know an invalid argument; there is no other argument in this request.
        replace(_model("xai", "/models"), accepted=(_MODEL_LIST,), refused=(UNAUTHORIZED, Sign((400,))))
    ),
    "mistral_key": Check(replace(_model("mistral", "/models"), accepted=(_MODEL_LIST,))),
    # Its list of models is open to everybody, so that it says nothing of a key.
    "openrouter_key": Check(replace(_model("openrouter", "/key"), accepted=(_MODEL_LIST,))),
    "custom_key": Check(replace(_model("custom", "/models"), accepted=(Sign((200,), ("data",)),))),
}

_SERVICES = {
    "github_token": Check(
        Question(
            "https://api.github.com",
            "/user",
            accepted=(Sign((200,), ("login",)),),
            headers=(("authorization", "Bearer {token}"), ("accept", "application/vnd.github+json")),
            who=(("login",),),
            scopes_header="x-oauth-scopes",
        )
    ),
    "sentry_token": Check(
        # The API's root answers anybody, and says as whom.
        replace(
            _bearer("https://sentry.io", "/api/0/"),
            accepted=(Sign((200,), ("auth", "scopes")),),
            refused=(UNAUTHORIZED, Sign((200,), ("auth",), (None,))),
            who=(("user", "username"),),
            scopes=("auth", "scopes"),
        )
    ),
    "bugsnag_token": Check(
        Question(
            "https://api.bugsnag.com",
            "/user",
            accepted=(Sign((200,), ("id",)),),
            headers=(("authorization", "token {token}"), ("x-version", "2")),
            who=(("name",), ("email",)),
        )
    ),
    "netlify_token": Check(
        replace(
            _bearer("https://api.netlify.com", "/api/v1/user"),
            accepted=(Sign((200,), ("id",)),),
            who=(("full_name",), ("email",)),
        )
    ),
    "slack_bot_token": Check(
        replace(
            _bearer("https://slack.com", "/api/auth.test"),
            method="POST",
            accepted=(Sign((200,), ("ok",), (True,)),),
            refused=(
                UNAUTHORIZED,
                Sign(
                    (200,),
                    ("error",),
                    ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
                ),
            ),
            limited=(FORBIDDEN, Sign((200,), ("error",), ("missing_scope", "no_permission", "not_allowed_token_type"))),
            who=(("user",), ("team",)),
            scopes_header="x-oauth-scopes",
        )
    ),
    "discord_bot": Check(
        Question(
            "https://discord.com",
            "/api/v10/users/@me",
            accepted=(Sign((200,), ("id",)),),
            headers=(("authorization", "Bot {bot_token}"),),
            who=(("username",),),
        )
    ),
    "reddit_oauth": Check(
        # There is no call that only looks: a script application is accepted by being given a token for an hour.
        Question(
            "https://www.reddit.com",
            "/api/v1/access_token",
            method="POST",
            accepted=(Sign((200,), ("access_token",)),),
            refused=(UNAUTHORIZED, Sign((200, 400), ("error",), ("invalid_grant",))),
            limited=(),
            headers=(("user-agent", "{user_agent}"),),
            form=(("grant_type", "password"), ("username", "{username}"), ("password", "{password}")),
            basic=("client_id", "client_secret"),
            scopes=("scope",),
        )
    ),
    # Reading posts or users is billed; how much was read is not.
    "x_twitter_api": Check(
        replace(_bearer("https://api.x.com", "/2/usage/tweets", "bearer_token"), accepted=(Sign((200,), ("data",)),))
    ),
}


def _linear(presented: str) -> Check:
    code = ("errors", 0, "extensions", "code")
    return Check(
        Question(
            "https://api.linear.app",
            "/graphql",
            method="POST",
            body='{"query":"{ viewer { name email } }"}',
            accepted=(Sign((200,), ("data", "viewer", "name")),),
            refused=(UNAUTHORIZED, Sign((200, 400), code, ("AUTHENTICATION_ERROR",))),
            limited=(FORBIDDEN, Sign((200, 400), code, ("FORBIDDEN",))),
            headers=(("authorization", presented), _JSON),
            who=(("data", "viewer", "name"), ("data", "viewer", "email")),
        )
    )


_LINEAR = {"linear_token": _linear("{token}"), "linear_oauth": _linear("Bearer {access_token}")}

_CLOUDS = {
    "cloudflare_api_token": Check(
        replace(
            _bearer("https://api.cloudflare.com", "/client/v4/user/tokens/verify", "api_token"),
            accepted=(Sign((200,), ("result", "status"), ("active",)),),
            # 400: what does not even look like one of its tokens.
            refused=(UNAUTHORIZED, Sign((400,)), Sign((200,), ("result", "status"), ("disabled", "expired"))),
            # A token of an account, and not of a user, is unknown there.
            otherwise=replace(
                _bearer("https://api.cloudflare.com", "/client/v4/zones?per_page=1", "api_token"),
                accepted=(Sign((200,), ("success",), (True,)),),
            ),
        )
    ),
    "vultr_api_key": Check(
        replace(
            _bearer("https://api.vultr.com", "/v2/account", "api_key"),
            accepted=(Sign((200,), ("account",)),),
            who=(("account", "name"), ("account", "email")),
            scopes=("account", "acls"),
        )
    ),
    "hetzner_api_key": Check(
        replace(
            _bearer("https://api.hetzner.cloud", "/v1/locations?per_page=1", "api_key"),
            accepted=(Sign((200,), ("locations",)),),
        )
    ),
}

CHECKS: dict[str, Check] = {**_MODEL_KEYS, **_SERVICES, **_LINEAR, **_CLOUDS}
"""By credential type."""

KEY_PAIRS: dict[str, tuple[str, str]] = {"git_ssh": ("id_rsa", ""), "vps_ssh": ("private_key", "public_key")}
"""Types that are checked on this machine: the fields of the private key and, where there is one, of the public key."""

_WHY_NOT = {
    "mintlify_token": "Mintlify has no call that only looks",
    "x_twitter_user_oauth1": "X bills each call that would tell",
    "x_twitter_user_oauth2": "X bills each call that would tell",
    "gcp_service_account": "it signs requests, and is never sent",
}


def why_no_check(kind: CredentialType) -> str:
    """Why a type that is in neither table is not checked."""
    if kind.purpose is Purpose.WEBHOOK_SECRET:
        return "it is compared with what comes in; there is nobody to ask"
    if kind.purpose is Purpose.NOTICE:
        return "a notice would be sent with it"
    return _WHY_NOT.get(kind.name, "nobody can be asked about it")
