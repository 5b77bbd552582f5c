"""What may stand in the project's own files: a table of inputs and the exact message of each."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.project.budget import Budget
from freehold.project.credential import CredentialRef, FieldRef
from freehold.project.harnesses import HarnessChoice
from freehold.project.load import Project, check, load_project
from freehold.project.price import TokenPrice
from freehold.project.webhooks import SenderHeaders
from freehold.project.wire_formats import WireFormat
from tests.support.folders import write_files

ERRORS = [
    ("modles = {}", 'config.toml: modles: unknown key "modles" (did you mean "models"?)'),
    ("locale = 1", 'config.toml: locale: unknown key "locale" (did you mean "local"?)'),
    (
        "[local]\nmemroy = '4g'",
        (
            'config.toml: local.memroy: unknown key "memroy" (did you mean "memory"?); there are: '
            "cpus, enabled, engine, image, memory, network, timeout"
        ),
    ),
    ("[local]\nmemory = 4", 'config.toml: local.memory: must be a size such as "4g", not a whole number'),
    ("[local]\nmemory = 'four'", 'config.toml: local.memory: "four" is not a size; write for example "512m" or "4g"'),
    ("[local]\ncpus = true", "config.toml: local.cpus: must be a number, not true or false"),
    ("[local]\ncpus = 0", "config.toml: local.cpus: must be at least 0.01, not 0"),
    ("[local]\ncpus = nan", "config.toml: local.cpus: must be a number"),
    ("[local]\ntimeout = '900'", "config.toml: local.timeout: must be a whole number, not a string"),
    ("[local]\ntimeout = 9.5", "config.toml: local.timeout: must be a whole number, not a number"),
    (
        "[local]\nengine = 'docer'",
        ('config.toml: local.engine: unknown value "docer" (did you mean "docker"?); there are: docker, host-user'),
    ),
    (
        "[local]\nnetwork = 'closed'",
        'config.toml: local.network: unknown value "closed"; there are: allowlist, none, open',
    ),
    ("[local]\nimage = 'a b'", "config.toml: local.image: is not the name of an image"),
    ("local = 1", "config.toml: local: must be a table, not a whole number"),
    ("[gateway]\nport = 70000", "config.toml: gateway.port: must be at most 65535, not 70000"),
    ("models = ['sonnet']", "config.toml: models: must be tables by name, not a list with a string in it"),
    ("[models]\nsonnet = 'claude'", "config.toml: models.sonnet: must be a table, not a string; write [models.sonnet]"),
    ("[models.s]\nmodel = 'x'", "config.toml: models.s.provider: is missing: who answers."),
    (
        "[models.s]\nprovider = 'antropic'\nmodel = 'x'",
        (
            'config.toml: models.s.provider: unknown value "antropic" (did you mean "anthropic"?); there are: '
            "anthropic, "
            "custom, google, groq, mistral, openai, openrouter, rehearsal, xai"
        ),
    ),
    ("[models.s]\nprovider = 'anthropic'", "config.toml: models.s.model: is missing: the provider's name of the model"),
    (
        "[models.s]\nprovider = 'anthropic'\nmodel = 'x'\nauthType = 'pi_auth'",
        (
            'config.toml: models.s.authType: "pi_auth" works for pi alone; write "api_key" and store the key: '
            "freehold creds "
            "add anthropic_key"
        ),
    ),
    (
        "[models.s]\nprovider = 'anthropic'\nmodel = 'x'\nthinkingLevel = 'hi'",
        (
            'config.toml: models.s.thinkingLevel: unknown value "hi" (did you mean "high"?); there are: high, '
            "low, medium, "
            "minimal, off, xhigh"
        ),
    ),
    (
        "[models.s]\nprovider = 'custom'\nmodel = 'x'",
        "config.toml: models.s.base_url: is missing: the address of the server, for example http://localhost:11434/v1",
    ),
    (
        "[models.s]\nprovider = 'openai'\nmodel = 'x'\nbase_url = 'api.openai.com'",
        "config.toml: models.s.base_url: is not an address; write for example https://models.example.com/v1",
    ),
    (
        "[models.s]\nprovider = 'openai'\nmodel = 'x'\nbase_url = 'https://u:canary@api.openai.com/v1'",
        "config.toml: models.s.base_url: holds a password; store it as a credential instead",
    ),
    (
        "[models.s]\nprovider = 'openai'\nmodel = 'x'\nbase_url = 'https://api.openai.com/v1?key=canary'",
        "config.toml: models.s.base_url: holds more than scheme, host and path",
    ),
    (
        "[models.s]\nprovider = 'openai'\nmodel = 'x'\nprice = 3",
        "config.toml: models.s.price: must be a table, not a whole number",
    ),
    (
        "[models.s]\nprovider = 'openai'\nmodel = 'x'\nprice = { input = 3 }",
        "config.toml: models.s.price.output: is missing: what is written, thoughts included.",
    ),
    (
        "[models.s]\nprovider = 'openai'\nmodel = 'x'\nprice = { input = -3, output = 15 }",
        "config.toml: models.s.price.input: must be at least 0, not -3",
    ),
    (
        "[models.s]\nprovider = 'openai'\nmodel = 'x'\nprice = { input = inf, output = 15 }",
        "config.toml: models.s.price.input: must be a number",
    ),
    (
        "[models.s]\nprovider = 'openai'\nmodel = 'x'\nprice = { input = '3', output = 15 }",
        "config.toml: models.s.price.input: must be a number, not a string",
    ),
    (
        "[models.s]\nprovider = 'openai'\nmodel = 'x'\nprice = { input = 3, output = 15, cached_read = 1 }",
        (
            'config.toml: models.s.price.cached_read: unknown key "cached_read" (did you mean "cache_read"?); '
            "there are: cache_read, cache_write, input, output"
        ),
    ),
    ("[models.'a.b']\nmodel = 'x'", 'config.toml: models."a.b".provider: is missing: who answers.'),
    (
        "[webhooks.gh]\ntype = 'gihub'",
        'config.toml: webhooks.gh.type: unknown value "gihub" (did you mean "github"?)',
    ),
    (
        "[webhooks.gh]\ntype = 'github'\nlinear_webhook_secret = 'a'",
        "config.toml: webhooks.gh.linear_webhook_secret: is for other sources; github uses github_webhook_secret",
    ),
    (
        "[webhooks.gh]\ntype = 'github'\nsignatureHeader = 'X-Signature'",
        ("config.toml: webhooks.gh.signatureHeader: is for sources of the type generic; github has headers of its own"),
    ),
    (
        "[webhooks.ci]\ntype = 'generic'\neventHeader = 'X Event'",
        "config.toml: webhooks.ci.eventHeader: is not the name of an HTTP header",
    ),
    (
        "[webhooks.ci]\ntype = 'generic'\ndeliveryHeader = 'Authorization'",
        (
            "config.toml: webhooks.ci.deliveryHeader: is a header that is never read: what it holds would be shown "
            "with the delivery"
        ),
    ),
    ("[mcp.docs]", "config.toml: mcp.docs: needs either `url` or `command`"),
    (
        "[mcp.docs]\nurl = 'https://a.example'\ncommand = ['x']",
        "config.toml: mcp.docs: needs either `url` or `command`",
    ),
    (
        "[mcp.docs]\nurl = 'a.example'",
        ("config.toml: mcp.docs.url: is not an address; write for example https://mcp.example.com/mcp"),
    ),
    (
        "[mcp.docs]\nurl = 'https://a.example'\ncredential = 'github_token'",
        (
            'config.toml: mcp.docs.credential: "github_token" is not a credential\'s field; write `type.field` or '
            "`type:instance.field`"
        ),
    ),
    (
        "[mcp.docs]\nurl = 'https://a.example'\ncredential = 'github_tokn.token'",
        'config.toml: mcp.docs.credential: unknown credential type "github_tokn" (did you mean "github_token"?)',
    ),
    (
        "[mcp.docs]\nurl = 'https://a.example'\ncredential = 'github_token.tokn'",
        (
            'config.toml: mcp.docs.credential: unknown field of github_token "tokn" (did you mean "token"?); '
            "there is: token"
        ),
    ),
    (
        "[mcp.docs]\ncommand = ['x']\ncredential = 'github_token.token'",
        (
            "config.toml: mcp.docs.credential: belongs to a `url`; a command gets the agent's credentials as "
            "variables of the "
            "run"
        ),
    ),
    ("egress = 'pypi.org'", "config.toml: egress: must be a list of strings, not a string; put it in brackets: [...]"),
    (
        "egress = ['https://pypi.org/simple']",
        'config.toml: egress[0]: "https://pypi.org/simple" is a URL; write the host\'s name alone',
    ),
    ("egress = ['a.example', '10.0.0.1']", 'config.toml: egress[1]: "10.0.0.1" is an address; write the host\'s name'),
    ("egress = ['*']", 'config.toml: egress[0]: "*" would allow every host; that is network = "open"'),
    (
        "server_tools = ['web_serch']",
        'config.toml: server_tools[0]: unknown server tool "web_serch" (did you mean "web_search"?)',
    ),
    ("permissions = 'maybe'", 'config.toml: permissions: unknown value "maybe"; there are: allow, ask, deny'),
    (
        "harness = 'claude'",
        (
            'config.toml: harness: unknown value "claude" (did you mean "claude-code"?); there are: '
            "builtin, claude-code, codex, gemini, opencode"
        ),
    ),
    (
        "harness = { command = [] }",
        (
            "config.toml: harness.command: names no program; write for example harness = "
            '{ command = ["my-agent", "--acp"] }'
        ),
    ),
    ("harness = 3", "config.toml: harness: must be a string or a table, not a whole number"),
    ("[budget]\nusd_per_run = -1", "config.toml: budget.usd_per_run: must be at least 0, not -1"),
    ("[budget]\ntokens_per_run = 1.5", "config.toml: budget.tokens_per_run: must be a whole number, not a number"),
    ("[telemetry]\nsamplingRate = 2", "config.toml: telemetry.samplingRate: must be at most 1, not 2"),
    ("defaultAgentScale = -1", "config.toml: defaultAgentScale: must be at least 0, not -1"),
    (
        "[model]\nprovider = 'anthropic'",
        (
            "config.toml: model: is no longer read; give the model a name: "
            "[models.<name>], and list it in the agent's `models`"
        ),
    ),
    ("[agents.dev]", "config.toml: agents: is no longer read; an agent is configured in agents/<name>/config.toml"),
    ("projectName = 'x'", "config.toml: projectName: belongs in .env.toml"),
    (
        "[server]\nhost = '192.0.2.1'",
        "config.toml: server: belongs in an environment's file, ~/.freehold/environments/<name>.toml",
    ),
]

WARNINGS = [
    ("maxTriggerDepth = 2", 'config.toml: maxTriggerDepth: is the old name of "maxCallDepth"'),
    ("webhookQueueSize = 2", 'config.toml: webhookQueueSize: is the old name of "workQueueSize"'),
    (
        "maxCallDepth = 1\nmaxTriggerDepth = 2",
        'config.toml: maxTriggerDepth: is ignored, because "maxCallDepth" says the same',
    ),
    (
        "[gateway]\nurl = 'http://0.0.0.0:8080'",
        "config.toml: gateway.url: 0.0.0.0 is not an address that others can reach; name the host",
    ),
    (
        "[models.s]\nprovider = 'custom'\nmodel = 'x'\nbase_url = 'http://models.example.com/v1'",
        "config.toml: models.s.base_url: sends the custom_key to models.example.com unencrypted; use https",
    ),
    (
        "[models.s]\nprovider = 'rehearsal'\nbase_url = 'https://a.example'",
        "config.toml: models.s.base_url: is ignored: a rehearsal asks nobody",
    ),
    (
        "[models.s]\nprovider = 'rehearsal'\nprice = { input = 1, output = 2 }",
        "config.toml: models.s.price: is ignored: a rehearsal costs nothing",
    ),
    (
        "[webhooks.gh]\ntype = 'github'\nallowUnsigned = true",
        "config.toml: webhooks.gh.allowUnsigned: anybody who knows the address can start agents",
    ),
    (
        "[webhooks.try]\ntype = 'test'",
        "config.toml: webhooks.try.type: nothing verifies it: anybody who knows the address can start agents",
    ),
]


def project(root: Path, text: str, **more: str) -> Project:
    return load_project(write_files(root, {"config.toml": text, **more}), home=root / "home")


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_an_error_is_told_exactly(tmp_path: Path, text: str, message: str) -> None:
    report = check(write_files(tmp_path, {"config.toml": text}), home=tmp_path / "home")
    assert [str(problem) for problem in report.problems.errors] == [message]
    assert report.project is None


@pytest.mark.parametrize(("text", "message"), WARNINGS)
def test_a_warning_is_told_exactly_and_stops_nothing(tmp_path: Path, text: str, message: str) -> None:
    assert [str(problem) for problem in project(tmp_path, text).warnings] == [message]


def test_all_errors_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(FreeholdError) as raised:
        project(tmp_path, "scale = 'x'\n[local]\ncpus = 'x'\ntimeout = 0\n")
    assert raised.value.code is Code.CONFIG
    assert raised.value.message.splitlines() == [
        "3 errors in the configuration",
        "  config.toml: local.cpus: must be a number, not a string",
        "  config.toml: local.timeout: must be at least 1, not 0",
        "  config.toml: scale: must be a whole number, not a string",
    ]


def test_an_error_names_the_file_that_holds_it(tmp_path: Path) -> None:
    files = {
        "config.toml": "[local]\ncpus = 2\ntimeout = 'x'",
        ".env.toml": "environment = 'prod'\n[local]\ncpus = 'x'",
        "home/environments/prod.toml": "[gateway]\nport = 'x'\n[server]\nhots = 'x'",
    }
    report = check(write_files(tmp_path, files), home=tmp_path / "home")
    environment = tmp_path / "home/environments/prod.toml"
    assert sorted(str(problem) for problem in report.problems.errors) == [
        ".env.toml: local.cpus: must be a number, not a string",
        f"{environment}: gateway.port: must be a whole number, not a string",
        f'{environment}: server.hots: unknown key "hots" (did you mean "host"?)',
        "config.toml: local.timeout: must be a whole number, not a string",
    ]


def test_what_looks_like_a_secret_is_not_shown(tmp_path: Path) -> None:
    secrets = ["sk-ant-canary0123456789", "ghp_canary0123456789", "c" * 40]
    for number, secret in enumerate(secrets):
        folder = tmp_path / str(number)
        text = f"permissions = '{secret}'\n[models.s]\nprovider = '{secret}'\n'{secret}' = 1"
        report = check(write_files(folder, {"config.toml": text}), home=tmp_path)
        told = "\n".join(str(problem) for problem in report.problems.errors)
        assert told.count("[hidden]") == 4
        assert secret not in told


def test_the_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    config = project(tmp_path, "").config
    assert (config.local.memory_bytes, config.local.cpus, config.local.timeout_s) == (4 * 1024**3, 2.0, 900)
    assert (config.local.engine, config.local.network, config.local.image) == (
        "docker", "allowlist", "freehold-agent:latest",
    )  # fmt: skip
    assert (config.max_reruns, config.max_call_depth, config.work_queue_size) == (10, 3, 100)
    assert (config.lock_timeout_s, config.history_days, config.scale) == (1800, 14, None)
    assert (config.gateway.port, config.gateway.url, config.gateway.max_chat_sessions) == (8080, "", 5)
    assert (config.permissions, config.harness, config.budget) == ("allow", HarnessChoice(), Budget())


@pytest.mark.parametrize("image", ["al-agent:latest", "al-agent:d4227bec", "al-agent", "freehold-agent:latest"])
def test_the_base_image_of_action_llama_means_ours(tmp_path: Path, image: str) -> None:
    assert project(tmp_path, f"[local]\nimage = '{image}'").config.local.image == "freehold-agent:latest"


def test_models_sources_and_servers_are_resolved(tmp_path: Path) -> None:
    config = project(
        tmp_path,
        """
        harness = { type = "pi" }
        [models.local]
        provider = "custom"
        model = "llama"
        baseUrl = "http://localhost:11434/v1/"
        [models.sonnet]
        provider = "anthropic"
        model = "claude"
        authType = "oauth_token"
        thinkingLevel = "medium"
        [webhooks.gh]
        type = "github"
        github_webhook_secret = "acme"
        previousCredential = "old"
        [webhooks.open]
        type = "test"
        [webhooks.ci]
        type = "generic"
        signatureHeader = "X-Signature"
        eventHeader = "X-Event"
        [mcp.docs]
        url = "https://mcp.example.com/mcp"
        credential = "cloudflare_api_token:a.example.com.api_token"
        """,
    ).config
    local, sonnet = config.models["local"], config.models["sonnet"]
    assert (local.base_url, local.host, local.is_foreign) == ("http://localhost:11434/v1", "localhost", False)
    assert local.key == CredentialRef("custom_key")
    assert local.wire_formats == frozenset({WireFormat.OPENAI_CHAT})
    assert (sonnet.base_url, sonnet.thinking_level) == ("https://api.anthropic.com", "medium")
    assert config.webhooks["gh"].secret == FieldRef(CredentialRef("github_webhook_secret", "acme"), "secret")
    assert config.webhooks["gh"].previous == FieldRef(CredentialRef("github_webhook_secret", "old"), "secret")
    assert [str(ref) for ref in config.webhooks["gh"].secrets] == [
        "github_webhook_secret:acme.secret",
        "github_webhook_secret:old.secret",
    ]
    assert config.webhooks["open"].secret is None
    assert config.webhooks["open"].secrets == ()
    assert config.webhooks["ci"].headers == SenderHeaders("x-signature", event="x-event")
    assert config.mcp["docs"].credential == FieldRef(
        CredentialRef("cloudflare_api_token", "a.example.com"), "api_token"
    )
    assert config.harness == HarnessChoice()


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("", None),
        ("price = { input = 3, output = 15.5 }", TokenPrice(Decimal(3), Decimal("15.5"))),
        ("price = { input = 0, output = 0.0 }", TokenPrice(Decimal(0), Decimal("0.0"))),
        (
            "price = { input = 0.1, output = 1, cache_read = 0.01, cache_write = 0 }",
            TokenPrice(Decimal("0.1"), Decimal(1), Decimal("0.01"), Decimal(0)),
        ),
    ],
)
def test_what_a_model_costs(tmp_path: Path, written: str, price: TokenPrice | None) -> None:
    text = f"[models.s]\nprovider = 'custom'\nmodel = 'x'\nbase_url = 'http://localhost:1/v1'\n{written}"
    assert project(tmp_path, text).config.models["s"].price == price


def test_the_server_of_an_environment(tmp_path: Path) -> None:
    root = write_files(
        tmp_path,
        {"config.toml": "", "home/environments/prod.toml": "[server]\nhost = '192.0.2.1'\nhetznerServerId = 42\n"},
    )
    server = load_project(root, home=root / "home", environment="prod").config.server
    assert server is not None
    assert (server.host, server.user, server.port, server.base_path, server.ids) == (
        "192.0.2.1", "root", 22, "/opt/freehold", (("hetznerServerId", 42),),
    )  # fmt: skip


def test_headers_of_telemetry_are_secret(tmp_path: Path) -> None:
    config = project(tmp_path, "[telemetry]\nheaders = { Authorization = 'Bearer canary' }").config
    assert "canary" not in repr(config)
    assert config.telemetry.headers[0][1].reveal() == "Bearer canary"
