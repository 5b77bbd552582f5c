"""Every key of every configuration file: the schema that validates, suggests, and is printed as the documentation."""

from __future__ import annotations

from freehold.project import notices, triggering
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.harnesses import HARNESSES, SAME_AS_BUILTIN
from freehold.project.key import Gone, Key, Kind
from freehold.project.providers import PROVIDERS
from freehold.project.webhook_types import SOURCE_TYPES

THINKING_LEVELS = ("off", "minimal", "low", "medium", "high", "xhigh")
AUTH_TYPES = ("api_key", "oauth_token")
ENGINES = ("docker", "host-user")
NETWORKS = ("allowlist", "open", "none")
PERMISSIONS = ("allow", "deny", "ask")
PERMISSION_DEFAULTS = ("deny", "allow")

_S, _I, _N, _B, _L = Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.STRINGS

PRICE_KEYS = (
    Key("input", _N, "What is read.", required=True, minimum=0),
    Key("output", _N, "What is written, thoughts included.", required=True, minimum=0),
    Key("cache_read", _N, "What is read from the provider's cache; else as `input`.", minimum=0),
    Key("cache_write", _N, "What is read and kept in the provider's cache; else as `input`.", minimum=0),
)

MODEL_KEYS = (
    Key("provider", _S, "Who answers.", required=True, choices=tuple(PROVIDERS)),
    Key("model", _S, "The provider's name of the model; not needed for `rehearsal`."),
    Key(
        "authType",
        _S,
        "Whether the key is an API key or an OAuth token.",
        "api_key",
        choices=AUTH_TYPES,
        quiet_choices=("pi_auth",),
    ),
    Key("thinkingLevel", _S, "How much the model thinks before it answers.", choices=THINKING_LEVELS),
    Key("base_url", _S, "Another address that speaks the provider's language; `custom` needs one.", also=("baseUrl",)),
    Key(
        "price",
        Kind.TABLE,
        "What it costs, in US dollars per million tokens; wins over the list of prices, and 0 means free.",
        keys=PRICE_KEYS,
    ),
)

BUDGET_KEYS = (
    Key("usd_per_run", _N, "What one run may cost, in US dollars.", minimum=0),
    Key(
        "usd_per_month",
        _N,
        "What a calendar month's runs may cost together, in US dollars; UTC.",
        minimum=0,
    ),
    Key(
        "usd_per_day",
        _N,
        "What a day's runs may cost together, in US dollars; a day begins at midnight UTC.",
        minimum=0,
    ),
    Key("tokens_per_run", _I, "Tokens that one run may read and write together.", minimum=0),
    Key("turns_per_run", _I, "Requests that offer tools which one run may make.", minimum=0),
)
_BUDGET = Key("budget", Kind.TABLE, "Limits of cost; a run that meets one ends as `budget`.", keys=BUDGET_KEYS)

MCP_KEYS = (
    Key("url", _S, "Address of the server (streamable HTTP); or give `command`."),
    Key("command", _L, "Program and arguments of a server that runs beside the harness; or give `url`."),
    Key("env", Kind.STRING_MAP, "Variables of the command; nothing secret."),
    Key(
        "credential",
        _S,
        "The field that opens the server, `type.field` or `type:instance.field`; it stays outside the run.",
    ),
    Key("header", _S, "The HTTP header that carries the credential.", "Authorization"),
    Key("scheme", _S, "The word before the credential in the header; may be empty.", "Bearer"),
)

HARNESS_KEYS = (
    Key("command", _L, "Program and arguments of any harness that speaks the Agent Client Protocol."),
    Key("type", _S, "Action Llama's name of its own loop; means `builtin`.", choices=(SAME_AS_BUILTIN,)),
)
_HARNESS = Key(
    "harness",
    Kind.STRING_OR_TABLE,
    "The program that thinks: a name, or a table with `command`.",
    choices=tuple(HARNESSES),
    quiet_choices=(SAME_AS_BUILTIN,),
    keys=HARNESS_KEYS,
)
_EGRESS = Key(
    "egress",
    _L,
    "Hosts that may be reached besides those of the credentials and the package registries: `host` or `*.suffix`.",
)
_SERVER_TOOLS = Key(
    "server_tools", _L, "Tools that a provider may run on its own side, such as `web_search`; all others are refused."
)
_PERMISSIONS = Key("permissions", _S, "What is answered when a harness asks for permission.", choices=PERMISSIONS)
_PERMISSION_DEADLINE = Key(
    "permission_deadline", _I, "Seconds that a person has for an answer, where `permissions` is `ask`; 300.", minimum=1
)
_PERMISSION_DEFAULT = Key(
    "permission_default", _S, "What is answered when nobody did; `deny`.", choices=PERMISSION_DEFAULTS
)

TELEMETRY_KEYS = (
    Key("enabled", _B, "Whether traces are sent.", False),
    Key("provider", _S, "What kind of collector.", "none", choices=("otel", "none")),
    Key("endpoint", _S, "Address of the OpenTelemetry collector."),
    Key("serviceName", _S, "The name that traces carry."),
    Key("headers", Kind.STRING_MAP, "HTTP headers for the collector."),
    Key("samplingRate", _N, "The share of traces that are sent, 0 to 1.", minimum=0),
)

SOURCE_KEYS = (
    Key("type", _S, "Who sends.", required=True, choices=tuple(SOURCE_TYPES)),
    Key("credential", _S, "The instance of the type's webhook secret.", "default"),
    Key("previousCredential", _S, "The instance of the secret before; it verifies too, while the secret is changed."),
    Key("allowUnsigned", _B, "Whether deliveries without a signature are taken.", False),
    Key("signatureHeader", _S, "For `generic`: the header with the signature; else `X-Hub-Signature-256`."),
    Key("timestampHeader", _S, "For `generic`: the header with the time, which is then a part of what is signed."),
    Key("eventHeader", _S, "For `generic`: the header that names the event; else the body's `event` or `type`."),
    Key("deliveryHeader", _S, "For `generic`: the header that is the same when a delivery is sent again."),
    *(
        Key(name, _S, f"The instance of {name}; the same as `credential`, for its own sources.")
        for name in sorted({source.secret_type for source in SOURCE_TYPES.values() if source.secret_type})
    ),
)

LOCAL_KEYS = (
    Key("enabled", _B, "Read, and without effect.", True),
    Key(
        "engine",
        _S,
        "Where runs run: in Docker containers, or as another user of this host.",
        "docker",
        choices=ENGINES,
    ),
    Key("network", _S, "What a run may reach.", "allowlist", choices=NETWORKS),
    Key("image", _S, "The base image; `al-agent` means the same.", "freehold-agent:latest"),
    Key("memory", Kind.SIZE, "Memory of one container.", "4g"),
    Key("cpus", _N, "CPUs of one container, never more than the host has.", 2, minimum=0.01),
    Key("timeout", _I, "Seconds that a run may take.", 900, minimum=1),
)

GATEWAY_KEYS = (
    Key("port", _I, "The port of the HTTP gateway; on a server, where its first push looks for one.", 8080, minimum=1),
    Key("url", _S, "The address by which others reach the gateway."),
    Key("maxChatSessions", _I, "Chats that may be open at a time.", 5, minimum=0),
)

GATEWAY = Key("gateway", Kind.TABLE, "The project's HTTP gateway.", keys=GATEWAY_KEYS)

PROJECT_KEYS = (
    Key("models", Kind.NAMED_TABLES, "Models by the names that agents use.", keys=MODEL_KEYS),
    Key("local", Kind.TABLE, "How runs run.", keys=LOCAL_KEYS),
    GATEWAY,
    Key("webhooks", Kind.NAMED_TABLES, "Webhook sources by the names that agents use.", keys=SOURCE_KEYS),
    Key("mcp", Kind.NAMED_TABLES, "MCP servers by the names that agents use.", keys=MCP_KEYS),
    Key("telemetry", Kind.TABLE, "Traces for an OpenTelemetry collector.", keys=TELEMETRY_KEYS),
    _BUDGET,
    _HARNESS,
    _EGRESS,
    _SERVER_TOOLS,
    _PERMISSIONS,
    _PERMISSION_DEADLINE,
    _PERMISSION_DEFAULT,
    Key("notices", Kind.NAMED_TABLES, "Where people are told what happened.", keys=notices.KEYS),
    Key(
        "database_url",
        _S,
        "A PostgreSQL database, `postgresql://user@host/name`; else SQLite in `.freehold/state.db`. A password belongs "
        "in `.env.toml`, or in libpq's own password file.",
    ),
    Key("maxReruns", _I, "Reruns in a row that an agent may ask for.", 10, minimum=0),
    Key("maxCallDepth", _I, "How deep calls from agent to agent may go.", 3, minimum=0, formerly=("maxTriggerDepth",)),
    Key("workQueueSize", _I, "Triggers that wait for one agent.", 100, minimum=0, formerly=("webhookQueueSize",)),
    Key("resourceLockTimeout", _I, "Seconds after which a lock falls to others.", 1800, minimum=1),
    Key("scale", _I, "Runs at a time of all agents together; one that a run has called has its place.", minimum=0),
    Key("defaultAgentScale", _I, "Runs at a time of an agent that says nothing else.", 1, minimum=0),
    Key("historyRetentionDays", _I, "Days that past runs are kept; 0 keeps none.", 14, minimum=0),
)

SERVER_KEYS = (
    Key("host", _S, "Address of the server."),
    Key("user", _S, "The user that SSH logs in as; where it is not written, what `~/.ssh/config` says.", "root"),
    Key("port", _I, "The port of SSH; where it is not written, what `~/.ssh/config` says.", 22, minimum=1),
    Key("keyPath", _S, "The private key, and no other; else `vps_ssh`, and the keys that `ssh` would use."),
    Key("basePath", _S, "Where projects live on the server.", "/opt/freehold"),
    Key("expose", _B, "Whether the project is reachable through the server's edge.", True),
    Key("provider", _S, "Who rents out the server."),
    Key("hostKey", _S, "The server's public host key, or its fingerprint `SHA256:...`."),
    Key("vultrInstanceId", _S, "The server's id at Vultr."),
    Key("vultrRegion", _S, "The server's region at Vultr."),
    Key("hetznerServerId", _I, "The server's id at Hetzner."),
    Key("hetznerLocation", _S, "The server's location at Hetzner."),
    Key("sandboxName", _S, "The name of the sandbox on this machine that the server is."),
    Key("serverId", _S, "The server's id at any other provider."),
    Key("cloudflareZoneId", _S, "The DNS zone at Cloudflare."),
    Key("cloudflareDnsRecordId", _S, "The DNS record at Cloudflare."),
    Key("hostname", _S, "The server's public name, for which its edge answers HTTPS.", also=("cloudflareHostname",)),
    Key("proxyNetworks", _L, "Where Cloudflare's proxy comes from; else what this version knows of."),
    Key(
        "onlyCloudflare", _B, "Whether `hostname` is served to Cloudflare alone, and to nobody who goes past it.", False
    ),
)
SERVER = Key("server", Kind.TABLE, "The server that an environment names.", keys=SERVER_KEYS)

PROVISION_KEYS = (
    Key("installation", _S, "Whose everything at the provider is: the mark that it carries."),
    Key("done", _L, "Which steps of `env prov` and `env https` are done."),
    Key("plan", _S, "The server's plan."),
    Key("region", _S, "The server's region."),
    Key("image", _S, "The provider's id of the image that the server began with."),
    Key("distribution", _S, "Whose image it is, and which version: `debian 12`."),
    Key("key", _S, "Which SSH key it lets in: `vps_ssh:default`, or `provider:ID` for one that the provider keeps."),
    Key("keyId", _S, "The key's id at the provider."),
    Key("firewallId", _S, "The firewall's id at the provider."),
    Key("price", _S, "What the server costs."),
    Key("project", _S, "Which project `hostname` leads to, by its name on servers."),
    Key("certificate", _S, "Who signs the certificate of `hostname`.", choices=("cloudflare", "own")),
    Key("certificateId", _S, "The origin certificate's id at Cloudflare."),
    Key("certificateFile", _S, "A certificate of one's own: its file on this machine."),
    Key("certificateKeyFile", _S, "The file of its key."),
    Key(
        "sslMode",
        _S,
        "How `env https` makes Cloudflare check the server: by a rule for the name, in the whole zone, or not at all.",
        choices=("host-rule", "zone", "leave"),
    ),
)
PROVISION = Key("provision", Kind.TABLE, "What `env prov` has bought, and how far it is.", keys=PROVISION_KEYS)

LOCAL_OVERLAY_KEYS = (
    Key("environment", _S, "The environment that commands use when none is named."),
    Key("projectName", _S, "The project's name; else the folder's."),
)
"""The keys of `.env.toml` that are not configuration."""

PROJECT_GONE = (
    Gone("model", "is no longer read; give the model a name: [models.<name>], and list it in the agent's `models`"),
    Gone("agents", "is no longer read; an agent is configured in agents/<name>/config.toml"),
    Gone(
        "cloud",
        "is not supported; a server is described in an environment's file, ~/.freehold/environments/<name>.toml",
    ),
    Gone("feedback", "is no longer read; remove it"),
    Gone("environment", "belongs in .env.toml"),
    Gone("projectName", "belongs in .env.toml"),
)

AGENT_KEYS = (
    Key("models", _L, "Models of the project, the first one used, the others when it fails."),
    Key("credentials", _L, "What the agent gets, `type` or `type:instance`, and nothing else."),
    Key("schedule", _S, "When it runs by itself: cron with five fields, or six with seconds first."),
    Key("timezone", _S, "The time zone of `schedule`; else the server's own."),
    Key("webhooks", Kind.TABLES, "Which deliveries start it; every table names a `source` of the project."),
    Key(
        "hooks",
        Kind.TABLE,
        "Shell commands around the session.",
        keys=(
            Key("pre", _L, "Before the session; the first that fails ends the run."),
            Key("post", _L, "After the session."),
        ),
    ),
    Key("params", Kind.FREE_TABLE, "Values that the agent finds in its prompt, as JSON."),
    Key("scale", _I, "Runs at a time; 0 switches the agent off.", minimum=0),
    Key("timeout", _I, "Seconds that a run may take; else `local.timeout`.", minimum=1),
    Key("memory", Kind.SIZE, "Memory of its container; else `local.memory`."),
    Key("cpus", _N, "CPUs of its container; else `local.cpus`.", minimum=0.01),
    Key("maxWorkQueueSize", _I, "Triggers that wait for it; else `workQueueSize`.", minimum=0),
    *triggering.KEYS,
    Key(
        "runtime",
        Kind.TABLE,
        "Where it runs; wins over `local.engine`.",
        keys=(
            Key("type", _S, "In a container, or as another user of the host.", choices=("container", "host-user")),
            Key("run_as", _S, "The host's user for `host-user`.", "freehold-agent"),
            Key("groups", _L, "Groups of the host's user, beside its own."),
        ),
    ),
    Key("network", _S, "What its runs may reach; else `local.network`.", choices=NETWORKS),
    _HARNESS,
    _EGRESS,
    _SERVER_TOOLS,
    _PERMISSIONS,
    _PERMISSION_DEADLINE,
    _PERMISSION_DEFAULT,
    Key(
        "notices",
        Kind.STRINGS_OR_TABLE,
        "Where its notices go: channels of the project, for what each of them tells; or a table that names the "
        "channels for each kind. Else to the project's default channels.",
        keys=notices.AGENT_KEYS,
    ),
    _BUDGET,
    Key("mcp", _L, "MCP servers of the project that it uses."),
    Key("calls", _L, "The agents that it may call, and no others; `[]`: none. Not written: every one."),
    Key("source", _S, "Where it was added from; used by `freehold agent update`."),
)

AGENT_GONE = (
    Gone(
        "model", 'is no longer read; name the model in the project\'s config.toml and list it here: models = ["<name>"]'
    ),
)

FRONTMATTER_KEYS = (
    Key("name", _S, "The skill's name; the folder's name is what counts."),
    Key("description", _S, "What the agent does and when it is of use; at most 1024 characters."),
    Key("license", _S, "The skill's licence."),
    Key("compatibility", _S, "What the skill needs around it; at most 500 characters."),
    Key("metadata", Kind.FREE_TABLE, "Anything; keys of the agent's config.toml are read from here too."),
    Key("allowed-tools", Kind.STRING, "Read, and without effect: `permissions` decides."),
)

MODEL_KEY_TYPES = frozenset(name for name, kind in CREDENTIAL_TYPES.items() if kind.is_model_key)
