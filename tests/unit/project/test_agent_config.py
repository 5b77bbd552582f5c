"""What may stand in an agent's files: a table of inputs and the exact message of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.project.agent import Agent
from freehold.project.credential import CredentialRef
from freehold.project.egress import PACKAGE_REGISTRIES
from freehold.project.harnesses import HarnessChoice
from freehold.project.load import check, load_project
from tests.support.folders import MODEL, one_agent, write_files

MODELS = f"""{MODEL}
[models.gpt]
provider = "openai"
model = "gpt-4o"
[models.gemini]
provider = "google"
model = "gemini-2.5-pro"
[models.played]
provider = "rehearsal"
[webhooks.gh]
type = "github"
[webhooks.mint]
type = "mintlify"
[mcp.docs]
url = "https://mcp.example.com/mcp"
"""
HERE = "agents/dev/config.toml"

ERRORS = [
    (
        "",
        (
            "agents/dev/SKILL.md: models: is missing: name at least one model of config.toml (there is: gemini, "
            "gpt, played, "
            "sonnet)"
        ),
    ),
    (
        "models = []",
        (f"{HERE}: models: is missing: name at least one model of config.toml (there is: gemini, gpt, played, sonnet)"),
    ),
    (
        "models = ['sonet']",
        (f'{HERE}: models[0]: unknown model "sonet" (did you mean "sonnet"?); there are: gemini, gpt, played, sonnet'),
    ),
    ("models = 'sonnet'", f"{HERE}: models: must be a list of strings, not a string; put it in brackets: [...]"),
    (
        "model = 'sonnet'",
        (
            f"{HERE}: model: is no longer read; name the model in the project's config.toml and list it "
            'here: models = ["<name>"]'
        ),
    ),
    ("credential = ['git_ssh']", f'{HERE}: credential: unknown key "credential" (did you mean "credentials"?)'),
    (
        "credentials = ['github_tokn']",
        f'{HERE}: credentials[0]: unknown credential type "github_tokn" (did you mean "github_token"?)',
    ),
    (
        "credentials = ['git_ssh', 'github_token:../x']",
        (
            f'{HERE}: credentials[1]: "github_token:../x" has characters that a credential\'s name cannot have '
            "(letters, digits "
            "and . _ - @ are allowed)"
        ),
    ),
    (
        "credentials = ['github_token:']",
        f'{HERE}: credentials[0]: "github_token:" is not a credential; write `type` or `type:instance`',
    ),
    (
        "credentials = ['gateway_api_key']",
        f"{HERE}: credentials[0]: gateway_api_key is Freehold's own; an agent cannot have it",
    ),
    (
        "schedule = '* * *'",
        (
            f'{HERE}: schedule: "* * *": a schedule has 5 fields (minute hour day month weekday), or 6 '
            "with seconds first; this has 3"
        ),
    ),
    ("schedule = '61 * * * *'", f'{HERE}: schedule: "61 * * * *": bad minute: 0 to 59, or *'),
    ("schedule = '0 0 32 * *'", f'{HERE}: schedule: "0 0 32 * *": bad day-of-month: 1 to 31, L for the last, or *'),
    ("schedule = '0 0 1 13 *'", f'{HERE}: schedule: "0 0 1 13 *": bad month: 1 to 12, JAN to DEC, or *'),
    ("schedule = 5", f"{HERE}: schedule: must be a string, not a whole number"),
    (
        "schedule = '0 0 * * *'\ntimezone = 'Berlin'",
        f'{HERE}: timezone: "Berlin": unknown time zone; write for example "UTC" or "Europe/Berlin"',
    ),
    (
        "schedule = '0 0 * * *'\ntimezone = '../../etc/passwd'",
        f'{HERE}: timezone: "../../etc/passwd": unknown time zone; write for example "UTC" or "Europe/Berlin"',
    ),
    (
        "[[webhooks]]\nevents = ['issues']",
        f"{HERE}: webhooks[0].source: is missing: a [webhooks.<name>] of the project's config.toml",
    ),
    (
        "[[webhooks]]\nsource = 'gih'",
        f'{HERE}: webhooks[0].source: unknown webhook source "gih" (did you mean "gh"?); there are: gh, mint',
    ),
    (
        "[[webhooks]]\nsource = 'gh'\nevents = ['isues']",
        f'{HERE}: webhooks[0].events: unknown event "isues" (did you mean "issues"?)',
    ),
    (
        "[[webhooks]]\nsource = 'gh'\nevents = 'issues'",
        f"{HERE}: webhooks[0].events: must be a list of strings, not a string; put it in brackets: [...]",
    ),
    (
        "[[webhooks]]\nsource = 'mint'\n[[webhooks]]\nsource = 'gh'\nresources = []",
        (
            f'{HERE}: webhooks[1].resources: unknown github filter "resources"; there are: actions, assignee, '
            "author, branches, "
            "conclusions, events, labels, org, orgs, repos"
        ),
    ),
    ("webhooks = ['gh']", f"{HERE}: webhooks: must be a list of tables, not a list with a string in it"),
    ("[hooks]\npre = 'x'", f"{HERE}: hooks.pre: must be a list of strings, not a string; put it in brackets: [...]"),
    ("[hooks]\nbefore = []", f'{HERE}: hooks.before: unknown key "before"; there are: post, pre'),
    ("[runtime]\ntype = 'vm'", f'{HERE}: runtime.type: unknown value "vm"; there are: container, host-user'),
    ("mcp = ['dosc']", f'{HERE}: mcp[0]: unknown MCP server "dosc" (did you mean "docs"?); there is: docs'),
    ("timeout = 0", f"{HERE}: timeout: must be at least 1, not 0"),
    ("scale = 11", "agents/dev: scale: is 11, but the whole project has 10"),
    (
        "egress = ['https://a.example']",
        f'{HERE}: egress[0]: "https://a.example" is a URL; write the host\'s name alone',
    ),
    (
        "models = ['gpt']\nharness = 'claude-code'",
        (
            'agents/dev: harness: harness "claude-code" speaks '
            'anthropic-messages, but model "gpt" (openai) answers in openai-chat, openai-responses'
        ),
    ),
    (
        "models = ['gemini']\nharness = 'codex'",
        ('agents/dev: harness: harness "codex" speaks openai-responses, but model "gemini" (google) answers in google'),
    ),
    (
        "models = ['played']",
        'agents/dev: models: model "played" is a rehearsal, and agents/dev/rehearsal.yaml is not there',
    ),
]

WARNINGS = [
    ("schedule = '0 0 31 2 *'", f'{HERE}: schedule: "0 0 31 2 *" can never fire: no such day exists'),
    ("schedule = '0 0 31 4,6 *'", f'{HERE}: schedule: "0 0 31 4,6 *" can never fire: no such day exists'),
    ("timezone = 'UTC'", f"{HERE}: timezone: has no effect without `schedule`"),
    (
        "credentials = ['anthropic_key']",
        (
            f"{HERE}: credentials[0]: anthropic_key is a model key: it stays with the model "
            "gateway and the run does not get it"
        ),
    ),
    (
        "credentials = ['github_token', 'github_token:acme']",
        (
            f"{HERE}: credentials: the variable GITHUB_TOKEN holds github_token, not github_token:acme; both "
            "are files under "
            "/credentials/github_token/"
        ),
    ),
    (
        "models = ['sonnet', 'gpt']\nharness = 'claude-code'",
        (
            'agents/dev: models: harness "claude-code" speaks '
            'anthropic-messages, but model "gpt" (openai) answers in openai-chat, openai-responses, so it is never used'
        ),
    ),
    ("network = 'open'", 'agents/dev: network: "open" lets the agent send what it reads to any host'),
    ("network = 'none'\negress = ['a.example']", 'agents/dev: egress: has no effect, because the network is "none"'),
    (
        "memory = '1g'\nruntime = { type = 'host-user' }",
        "agents/dev: runs as another user, without a container, so this is ignored: memory",
    ),
]


def files(config: str) -> dict[str, str]:
    lacks_models = "models" not in config and config and not config.startswith("model ")
    text = f'models = ["sonnet"]\n{config}' if lacks_models else config
    return one_agent(text, project=f"scale = 10\n{MODELS}")


def agent(root: Path, config: str, **more: str) -> Agent:
    return load_project(write_files(root, {**files(config), **more}), home=root / "home").agent("dev")


@pytest.mark.parametrize(("config", "message"), ERRORS)
def test_an_error_is_told_exactly(tmp_path: Path, config: str, message: str) -> None:
    report = check(write_files(tmp_path, files(config)), home=tmp_path / "home")
    told = [str(problem) for problem in report.problems.errors]
    assert told == [message]


@pytest.mark.parametrize(("config", "message"), WARNINGS)
def test_a_warning_is_told_exactly_and_stops_nothing(tmp_path: Path, config: str, message: str) -> None:
    assert [str(problem) for problem in agent(tmp_path, config).warnings] == [message]


FILTER_MEANINGS = [
    ("gh", "repository", "repos"), ("gh", "repo", "repos"), ("gh", "event", "events"), ("gh", "action", "actions"),
    ("gh", "label", "labels"), ("gh", "branch", "branches"), ("gh", "organization", "orgs"),
    ("li", "organization", "organizations"), ("di", "guild", "guilds"), ("di", "channel", "channels"),
    ("di", "command", "commands"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "written", "meant"), FILTER_MEANINGS)
def test_names_that_people_write_for_filters_are_understood(
    tmp_path: Path, source: str, written: str, meant: str
) -> None:
    """The names that Action Llama corrects, and some more."""
    project = f"{MODEL}[webhooks]\ngh = {{type='github'}}\nli = {{type='linear'}}\ndi = {{type='discord'}}\n"
    config = f"models = ['sonnet']\n[[webhooks]]\nsource = '{source}'\n{written} = ['x']\n"
    report = check(write_files(tmp_path, one_agent(config, project=project)), home=tmp_path)
    kind = {"gh": "github", "li": "linear", "di": "discord"}[source]
    assert [str(problem) for problem in report.problems.errors] == [
        f'{HERE}: webhooks[0].{written}: unknown filter "{written}" of {kind} (did you mean "{meant}"?)'
    ]


def test_defaults(tmp_path: Path) -> None:
    it = agent(tmp_path, "scale = 1")
    assert (it.engine, it.network, it.permissions, it.harness) == ("docker", "allowlist", "allow", HarnessChoice())
    assert (it.memory_bytes, it.cpus, it.timeout_s, it.scale) == (4 * 1024**3, 2.0, 900, 1)
    assert (it.run_as, it.groups, it.schedule, it.timezone) == ("freehold-agent", (), "", "")
    assert (it.dockerfile, it.script, it.rehearsal, it.source) == (None, None, None, "")
    assert it.allowed_hosts == PACKAGE_REGISTRIES
    assert it.directory == tmp_path / "agents/dev"
    assert it.skill_body == "Do something.\n"


def test_frontmatter_configures_too_and_config_toml_wins(tmp_path: Path) -> None:
    skill = """\
    ---
    description: x
    metadata:
      timeout: 100
      scale: 3
      credentials: [sentry_token]
      author: someone
    timeout: 200
    schedule: "0 9 * * 1"
    ---
    """
    it = agent(tmp_path, "schedule = '0 8 * * 1'", **{"agents/dev/SKILL.md": skill})
    assert (it.timeout_s, it.scale, it.schedule) == (200, 3, "0 8 * * 1")
    assert it.credentials == (CredentialRef("sentry_token"),)


def test_an_error_in_frontmatter_names_the_file(tmp_path: Path) -> None:
    skill = "---\ndescription: x\nmetadata:\n  timeout: soon\nmodles: [sonnet]\nname: [x]\n---\n"
    report = check(write_files(tmp_path, {**files("scale = 1"), "agents/dev/SKILL.md": skill}), home=tmp_path / "home")
    assert [str(problem) for problem in report.problems.errors] == [
        'agents/dev/SKILL.md: modles: unknown key "modles" (did you mean "models"?)',
        "agents/dev/SKILL.md: name: must be a string, not a list with a string in it",
        "agents/dev/SKILL.md: timeout: must be a whole number, not a string",
    ]


SKILL_RULES = [
    ("name: other\ndescription: x", 'name: is not "dev"; the folder\'s name is the one that counts', ""),
    ("license: MIT", "description: is missing: say what the agent does and when it is of use", ""),
    ("description: ''", "", "description: is empty: say what the agent does and when it is of use"),
    (f"description: {'x' * 1025}", "", "description: has 1025 characters; at most 1024 are allowed"),
    (f"description: x\ncompatibility: {'x' * 501}", "", "compatibility: has 501 characters; 1 to 500 are allowed"),
    ("description: x\nmetadata: [a]", "", "metadata: must be a table, not a list with a string in it"),
    ("description: x\nallowed-tools: [Read, Bash]", "", ""),
    ("description: x\nallowed-tools: Read Bash(git:*)", "", ""),
    ("description: 2026-01-31", "", "description: must be a string, not a date"),
]


@pytest.mark.parametrize(("frontmatter", "warning", "error"), SKILL_RULES)
def test_the_rules_of_the_skill_format(tmp_path: Path, frontmatter: str, warning: str, error: str) -> None:
    """agentskills.io, specification; the folder's name wins (`docs/interfaces.md`, "Files and names")."""
    skill = {"agents/dev/SKILL.md": f"---\n{frontmatter}\n---\n"}
    problems = check(write_files(tmp_path, {**files("scale = 1"), **skill}), home=tmp_path).problems
    told = [str(problem).removeprefix("agents/dev/SKILL.md: ") for problem in problems.errors]
    warned = [str(problem).removeprefix("agents/dev/SKILL.md: ") for problem in problems.warnings]
    assert told == ([error] if error else [])
    assert [line for line in warned if not error] == ([warning] if warning else [])


def test_the_budget_is_the_smaller_of_project_and_agent(tmp_path: Path) -> None:
    project = f"{MODEL}[budget]\nusd_per_run = 2\ntokens_per_run = 1000\n"
    config = "models = ['sonnet']\n[budget]\nusd_per_run = 5\nturns_per_run = 7\n"
    root = write_files(tmp_path, one_agent(config, project=project))
    budget = load_project(root, home=tmp_path).agent("dev").budget
    assert (budget.usd_per_run, budget.usd_per_day, budget.tokens_per_run, budget.turns_per_run) == (2, None, 1000, 7)


def test_hosts_come_from_credentials_project_and_agent(tmp_path: Path) -> None:
    project = f"egress = ['Mirror.Example.com.']\n{MODEL}"
    config = "models = ['sonnet']\ncredentials = ['sentry_token', 'git_ssh']\negress = ['*.example.org', 'sentry.io']\n"
    it = load_project(write_files(tmp_path, one_agent(config, project=project)), home=tmp_path).agent("dev")
    assert it.allowed_hosts == (
        *PACKAGE_REGISTRIES, "sentry.io", "*.sentry.io", "github.com", "gitlab.com", "bitbucket.org",
        "mirror.example.com", "*.example.org",
    )  # fmt: skip
    assert it.holds_git_ssh


def test_the_type_of_runtime_wins_over_the_engine_of_the_project(tmp_path: Path) -> None:
    project = f"[local]\nengine = 'host-user'\nmemory = '1g'\n{MODEL}"
    held = write_files(tmp_path / "1", one_agent("models=['sonnet']\nruntime.type='container'", project=project))
    free = write_files(tmp_path / "2", one_agent("models=['sonnet']", project=project))
    assert load_project(held, home=tmp_path).agent("dev").engine == "docker"
    assert load_project(free, home=tmp_path).agent("dev").engine == "host-user"


def test_what_host_user_ignores_is_named(tmp_path: Path) -> None:
    project = f"[local]\nengine = 'host-user'\nmemory = '1g'\nimage = 'x'\ntimeout = 5\n{MODEL}"
    more = {"agents/dev/Dockerfile": "FROM x\nRUN apk add y\n", "Dockerfile": "FROM freehold-agent\nRUN true\n"}
    root = write_files(tmp_path, {**one_agent("models=['sonnet']\ncpus=1", project=project), **more})
    it = load_project(root, home=tmp_path).agent("dev")
    assert [str(problem) for problem in it.warnings] == [
        (
            "agents/dev: runs as another user, without a container, so this is ignored: Dockerfile, cpus, local.image, "
            "local.memory, the project's Dockerfile"
        )
    ]


def test_a_dockerfile_with_apk_is_an_error_that_shows_the_line(tmp_path: Path) -> None:
    dockerfile = "FROM al-agent:latest\n\nUSER root\nRUN apk add --no-cache github-cli jq\nUSER node\n"
    with pytest.raises(FreeholdError) as raised:
        agent(tmp_path, "scale = 1", **{"agents/dev/Dockerfile": dockerfile})
    assert raised.value.code is Code.CONFIG
    assert raised.value.message.splitlines()[1:] == [
        (
            "  agents/dev/Dockerfile: line 4: the base image is Debian, which has no apk; write: RUN apt-get update && "
            "apt-get install -y --no-install-recommends gh jq && rm -rf /var/lib/apt/lists/*"
        )
    ]


def test_an_agent_on_the_projects_image_is_told_that_it_is_harder_to_reuse(tmp_path: Path) -> None:
    plain = agent(tmp_path / "1", "scale = 1", Dockerfile="# nothing\nFROM al-agent:latest\n")
    built = agent(tmp_path / "2", "scale = 1", Dockerfile="FROM al-agent:latest\nRUN true\n")
    assert plain.warnings == ()
    assert [str(problem) for problem in built.warnings] == [
        (
            "agents/dev: is harder to reuse: it is built on the project's Dockerfile, and will not work in "
            "another project "
            "if it needs a tool from there; prefer a Dockerfile in its own folder"
        )
    ]


def test_an_agent_with_a_script_needs_no_model(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**one_agent("scale = 1"), "agents/dev/test-script.sh": "#!/bin/sh\n"})
    it = load_project(root, home=tmp_path).agent("dev")
    assert (it.models, it.script) == ((), tmp_path / "agents/dev/test-script.sh")


def test_params_can_be_written_as_json(tmp_path: Path) -> None:
    it = agent(tmp_path, "[params]\nsince = 2026-01-31\nat = 09:30:00\nlist = [{when = 2026-01-31T09:30:00Z}]")
    assert json.loads(json.dumps(it.params)) == {
        "since": "2026-01-31", "at": "09:30:00", "list": [{"when": "2026-01-31T09:30:00+00:00"}],
    }  # fmt: skip


def test_filters_that_mean_the_same_become_one(tmp_path: Path) -> None:
    it = agent(
        tmp_path,
        "[[webhooks]]\nsource='gh'\norg='a'\norgs=['b']\nauthor='me'\n[[webhooks]]\nsource='mint'\nrepos=['p']\n",
    )
    assert [(trigger.type, dict(trigger.filters)) for trigger in it.webhooks] == [
        ("github", {"orgs": ("b", "a"), "author": ("me",)}), ("mintlify", {"projects": ("p",)}),
    ]  # fmt: skip


def test_model_keys_are_known_and_never_given(tmp_path: Path) -> None:
    it = agent(tmp_path, "models = ['sonnet', 'gpt']\ncredentials = ['openai_key', 'sentry_token:eu']")
    assert it.credentials == (CredentialRef("sentry_token", "eu"),)
    assert it.model_keys == (CredentialRef("anthropic_key"), CredentialRef("openai_key"))


def test_a_command_of_ones_own_is_a_harness(tmp_path: Path) -> None:
    it = agent(tmp_path, "harness = { command = ['my-agent', '--acp'] }")
    assert it.harness == HarnessChoice("command", ("my-agent", "--acp"))


def test_a_skill_without_frontmatter_is_instructions(tmp_path: Path) -> None:
    it = agent(tmp_path, "scale = 1", **{"agents/dev/SKILL.md": "Do it.\n"})
    assert it.skill_body == "Do it.\n"
    assert len(it.warnings) == 1
