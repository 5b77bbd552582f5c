"""The credential types that there are, as Action Llama names them: fields, variables, and the hosts each opens."""

from __future__ import annotations

from freehold.project.credential import CredentialField, CredentialType, Purpose

_Field = CredentialField
_GITHUB_HOSTS = ("github.com", "api.github.com", "uploads.github.com", "codeload.github.com", "*.githubusercontent.com")
_X_HOSTS = ("api.x.com", "upload.x.com", "api.twitter.com", "upload.twitter.com")
_X_PORTAL = "https://developer.x.com/en/portal/dashboard"

_FOREIGN_HOSTS = _Field(
    "hosts",
    "Hosts besides the provider's own that the key may be sent to",
    secret=False,
    optional=True,
    asked=False,
)


def _token(label: str, *env: str) -> tuple[CredentialField, ...]:
    return (_Field("token", label, env),)


def _model_key(provider: str, label: str, description: str, help_url: str = "") -> CredentialType:
    fields = (*_token("API key"), _FOREIGN_HOSTS)
    return CredentialType(f"{provider}_key", label, description, fields, purpose=Purpose.MODEL_KEY, help_url=help_url)


def _webhook_secret(name: str, label: str, description: str, help_url: str = "", shortest: int = 1) -> CredentialType:
    fields = (_Field("secret", "Secret", shortest=shortest),)
    return CredentialType(name, label, description, fields, purpose=Purpose.WEBHOOK_SECRET, help_url=help_url)


_GIT = (
    CredentialType(
        "github_token",
        "GitHub token",
        "A personal access token; pushing workflows needs the scopes repo and workflow.",
        _token("Token", "GITHUB_TOKEN", "GH_TOKEN"),
        egress=_GITHUB_HOSTS,
        help_url="https://github.com/settings/tokens",
    ),
    CredentialType(
        "git_ssh",
        "SSH key and git identity",
        "The name and address of commits and, for clone and push over SSH, a private key without passphrase.",
        (
            _Field("id_rsa", "Private key", optional=True, multiline=True),
            _Field("username", "Author's name", ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), secret=False),
            _Field("email", "Author's address", ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), secret=False),
        ),
        egress=("github.com", "gitlab.com", "bitbucket.org"),
    ),
)

_MODEL_KEYS = (
    _model_key(
        "anthropic",
        "Anthropic key",
        "An API key, or an OAuth token (sk-ant-oat...).",
        "https://console.anthropic.com/settings/keys",
    ),
    _model_key("openai", "OpenAI key", "An API key (sk-...).", "https://platform.openai.com/api-keys"),
    _model_key("groq", "Groq key", "An API key (gsk_...).", "https://console.groq.com/keys"),
    _model_key("google", "Google AI key", "An API key for Gemini models.", "https://aistudio.google.com/apikey"),
    _model_key("xai", "xAI key", "An API key (xai-...).", "https://console.x.ai"),
    _model_key("mistral", "Mistral key", "An API key.", "https://console.mistral.ai/api-keys"),
    _model_key("openrouter", "OpenRouter key", "An API key (sk-or-...).", "https://openrouter.ai/keys"),
    _model_key("custom", "Key of another model server", 'The key for models with provider = "custom".'),
)

_SERVICES = (
    CredentialType(
        "sentry_token",
        "Sentry token",
        "Reads errors and issues.",
        _token("Auth token", "SENTRY_AUTH_TOKEN"),
        egress=("sentry.io", "*.sentry.io"),
        help_url="https://sentry.io/settings/auth-tokens/",
    ),
    CredentialType(
        "linear_token",
        "Linear token",
        "A personal API token.",
        _token("API token", "LINEAR_API_TOKEN"),
        egress=("api.linear.app", "uploads.linear.app"),
        help_url="https://linear.app/settings/api",
    ),
    CredentialType(
        "linear_oauth",
        "Linear OAuth2 application",
        "An OAuth2 application's access to a workspace.",
        (
            _Field("client_id", "Client ID", ("LINEAR_CLIENT_ID",), secret=False),
            _Field("client_secret", "Client secret", ("LINEAR_CLIENT_SECRET",)),
            _Field("access_token", "Access token", ("LINEAR_ACCESS_TOKEN",)),
            _Field("refresh_token", "Refresh token", ("LINEAR_REFRESH_TOKEN",)),
        ),
        egress=("api.linear.app", "uploads.linear.app"),
        help_url="https://developers.linear.app/docs/oauth/authentication",
    ),
    CredentialType(
        "bugsnag_token",
        "Bugsnag token",
        "Reads errors, manages releases.",
        _token("Auth token", "BUGSNAG_AUTH_TOKEN"),
        egress=("api.bugsnag.com",),
        help_url="https://app.bugsnag.com/settings/my-account/auth-tokens",
    ),
    CredentialType(
        "netlify_token",
        "Netlify token",
        "Manages sites and deployments.",
        _token("Access token", "NETLIFY_AUTH_TOKEN"),
        egress=("api.netlify.com",),
        help_url="https://app.netlify.com/user/applications#personal-access-tokens",
    ),
    CredentialType(
        "mintlify_token",
        "Mintlify token",
        "Reads build logs, starts builds.",
        _token("API token", "MINTLIFY_API_TOKEN"),
        egress=("api.mintlify.com",),
        help_url="https://mintlify.com/docs/api-reference/authentication",
    ),
    CredentialType(
        "slack_bot_token",
        "Slack bot token",
        "Speaks to the Slack API as a bot.",
        _token("Bot token", "SLACK_BOT_TOKEN"),
        egress=("slack.com", "*.slack.com"),
        help_url="https://api.slack.com/authentication/token-types#bot",
    ),
    CredentialType(
        "reddit_oauth",
        "Reddit OAuth2 application",
        "A script application that posts and moderates.",
        (
            _Field("client_id", "Client ID", ("REDDIT_CLIENT_ID",), secret=False),
            _Field("client_secret", "Client secret", ("REDDIT_CLIENT_SECRET",)),
            _Field("username", "User name", ("REDDIT_USERNAME",), secret=False),
            _Field("password", "Password", ("REDDIT_PASSWORD",)),
            _Field("user_agent", "User agent", ("REDDIT_USER_AGENT",), secret=False),
        ),
        egress=("www.reddit.com", "oauth.reddit.com"),
        help_url="https://www.reddit.com/prefs/apps",
    ),
    CredentialType(
        "discord_bot",
        "Discord bot",
        "A Discord application; its public key also verifies webhooks.",
        (
            _Field("application_id", "Application ID", ("DISCORD_APPLICATION_ID",), secret=False),
            _Field("public_key", "Public key", ("DISCORD_PUBLIC_KEY",), secret=False),
            _Field("bot_token", "Bot token", ("DISCORD_BOT_TOKEN",)),
        ),
        egress=("discord.com", "gateway.discord.gg", "cdn.discordapp.com"),
        help_url="https://discord.com/developers/applications",
    ),
)

_X = (
    CredentialType(
        "x_twitter_api",
        "X (Twitter) application",
        "An application's keys; the consumer secret also verifies webhooks.",
        (
            _Field("consumer_key", "Consumer key", ("X_CONSUMER_KEY",)),
            _Field("consumer_secret", "Consumer secret", ("X_CONSUMER_SECRET",)),
            _Field("bearer_token", "Bearer token", ("X_BEARER_TOKEN",)),
        ),
        egress=_X_HOSTS,
        help_url=_X_PORTAL,
    ),
    CredentialType(
        "x_twitter_user_oauth1",
        "X (Twitter) user, OAuth 1.0a",
        "A bot account's tokens.",
        (
            _Field("access_token", "Access token", ("X_ACCESS_TOKEN",)),
            _Field("access_token_secret", "Access token secret", ("X_ACCESS_TOKEN_SECRET",)),
        ),
        egress=_X_HOSTS,
        help_url=_X_PORTAL,
    ),
    CredentialType(
        "x_twitter_user_oauth2",
        "X (Twitter) user, OAuth 2.0",
        "A user's tokens for messages, posts and subscriptions.",
        (
            _Field("client_id", "Client ID", ("X_OAUTH2_CLIENT_ID",)),
            _Field("client_secret", "Client secret", ("X_OAUTH2_CLIENT_SECRET",)),
            _Field("access_token", "Access token", ("X_OAUTH2_ACCESS_TOKEN",)),
            _Field("refresh_token", "Refresh token", ("X_OAUTH2_REFRESH_TOKEN",)),
        ),
        egress=_X_HOSTS,
        help_url=_X_PORTAL,
    ),
)

_CLOUDS = (
    CredentialType(
        "cloudflare_api_token",
        "Cloudflare API token",
        "DNS records and origin certificates.",
        (_Field("api_token", "API token", ("CLOUDFLARE_API_TOKEN",)),),
        egress=("api.cloudflare.com",),
        help_url="https://dash.cloudflare.com/profile/api-tokens",
        own_use="host names and HTTPS of servers",
    ),
    CredentialType(
        "vultr_api_key",
        "Vultr API key",
        "Servers at Vultr.",
        (_Field("api_key", "API key", ("VULTR_API_KEY",)),),
        egress=("api.vultr.com",),
        help_url="https://my.vultr.com/settings/#settingsapi",
        own_use="renting servers",
    ),
    CredentialType(
        "hetzner_api_key",
        "Hetzner API key",
        "Servers at Hetzner Cloud.",
        (_Field("api_key", "API key", ("HETZNER_API_KEY",)),),
        egress=("api.hetzner.cloud",),
        help_url="https://console.hetzner.cloud/projects",
        own_use="renting servers",
    ),
    CredentialType(
        "gcp_service_account",
        "Google Cloud service account",
        "The JSON key of a service account.",
        (_Field("key_json", "Key (JSON)", ("GOOGLE_APPLICATION_CREDENTIALS_JSON",), multiline=True),),
        egress=("*.googleapis.com",),
        help_url="https://cloud.google.com/iam/docs/keys-create-delete",
    ),
    CredentialType(
        "vps_ssh",
        "SSH key for servers",
        "The key pair, without passphrase, that Freehold logs in to servers with. An instance of an environment's name "
        "is for that server alone, the default one for all others.",
        (
            _Field("private_key", "Private key", multiline=True),
            _Field("public_key", "Public key", secret=False, optional=True),
        ),
        own_use="logging in to servers",
    ),
)

_WEBHOOK_SECRETS = (
    _webhook_secret(
        "github_webhook_secret",
        "GitHub webhook secret",
        "A random string that is also entered in the repository's webhook settings.",
        "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
    ),
    _webhook_secret(
        "gitlab_webhook_secret",
        "GitLab webhook secret",
        "The signing token, or the secret token, of a project's webhook.",
        "https://docs.gitlab.com/user/project/integrations/webhooks/",
    ),
    _webhook_secret(
        "gitea_webhook_secret",
        "Gitea webhook secret",
        "A random string that is also entered in the repository's webhook settings.",
        "https://docs.gitea.com/usage/webhooks",
    ),
    _webhook_secret(
        "forgejo_webhook_secret",
        "Forgejo webhook secret",
        "A random string that is also entered in the repository's webhook settings.",
        "https://forgejo.org/docs/latest/user/webhooks/",
    ),
    _webhook_secret("sentry_client_secret", "Sentry client secret", "The client secret of a Sentry integration."),
    _webhook_secret(
        "linear_webhook_secret",
        "Linear webhook secret",
        "The signing secret of a Linear webhook.",
        "https://developers.linear.app/docs/webhooks",
        shortest=8,
    ),
    _webhook_secret(
        "mintlify_webhook_secret",
        "Mintlify webhook secret",
        "A random string that is also entered in the project's webhook settings.",
        "https://mintlify.com/docs/api-reference/webhooks",
    ),
    _webhook_secret(
        "slack_signing_secret",
        "Slack signing secret",
        "The signing secret of a Slack application.",
        "https://api.slack.com/authentication/verifying-requests-from-slack",
        shortest=8,
    ),
    _webhook_secret(
        "generic_webhook_secret",
        "Secret of another sender",
        "A random string that the sender signs its deliveries with.",
        shortest=8,
    ),
)

_NOTICES = (
    CredentialType(
        "slack_webhook",
        "Slack incoming webhook",
        "The address that messages to one channel are posted to.",
        (_Field("url", "Address (https://hooks.slack.com/...)"),),
        purpose=Purpose.NOTICE,
        help_url="https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/",
    ),
    CredentialType(
        "smtp",
        "Mail account",
        "Sends mail through a mail server.",
        (_Field("username", "User name", secret=False, optional=True), _Field("password", "Password")),
        purpose=Purpose.NOTICE,
    ),
    CredentialType(
        "ntfy_token",
        "ntfy access token",
        "Publishes to a protected topic.",
        _token("Access token"),
        purpose=Purpose.NOTICE,
        help_url="https://docs.ntfy.sh/publish/#access-tokens",
    ),
    CredentialType(
        "notice_webhook_secret",
        "Secret of notices to a program",
        "A random string that notices are signed with; the program that gets them verifies them with it.",
        (_Field("secret", "Secret", shortest=16),),
        purpose=Purpose.NOTICE,
    ),
)

_INTERNAL = (
    CredentialType(
        "gateway_api_key",
        "Gateway key",
        "Opens a project's gateway; made by Freehold.",
        (_Field("key", "Key"),),
        internal=True,
    ),
    CredentialType(
        "cloudflare_origin_cert",
        "Cloudflare origin certificate",
        "A server's certificate; the instance is its host name.",
        (_Field("certificate", "Certificate", multiline=True), _Field("private_key", "Private key", multiline=True)),
        internal=True,
    ),
)

CREDENTIAL_TYPES: dict[str, CredentialType] = {
    kind.name: kind for kind in (*_GIT, *_MODEL_KEYS, *_SERVICES, *_X, *_CLOUDS, *_WEBHOOK_SECRETS, *_NOTICES)
}
"""The 40 types that a person may store. An agent may list them, but for those of notices."""

EVERY_CREDENTIAL_TYPE: dict[str, CredentialType] = {**CREDENTIAL_TYPES, **{kind.name: kind for kind in _INTERNAL}}
"""The types above, and those that Freehold keeps for itself."""
