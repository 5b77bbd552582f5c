"""A project laid out for Action Llama loads as it is; what is reported is what is truly missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from freehold.project.credential import CredentialRef
from freehold.project.load import Project, check, load_project
from freehold.project.needs import needs_of_project, unmet

FIXTURE = Path(__file__).parents[2] / "data" / "action-llama"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "project"))


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Project:
    return load_project(root, home=tmp_path / "home")


def test_it_loads_without_an_error(root: Path, tmp_path: Path) -> None:
    problems = check(root, home=tmp_path / "home").problems
    assert problems.errors == []
    assert [str(problem) for problem in problems.warnings] == [
        'config.toml: maxTriggerDepth: is the old name of "maxCallDepth"',
        'config.toml: webhookQueueSize: is the old name of "workQueueSize"',
    ]


def test_its_configuration_means_what_it_meant(project: Project) -> None:
    config = project.config
    assert (project.name, project.agent_names) == ("acme-agents", ["dev", "docs", "reviewer"])
    assert (config.max_call_depth, config.work_queue_size, config.scale) == (2, 20, 10)
    assert config.gateway.url == "http://localhost:8080"
    assert config.local.image == "freehold-agent:latest"
    assert project.shared_dir is not None


def test_its_agents_mean_what_they_meant(project: Project) -> None:
    dev, reviewer, docs = (project.agent(name) for name in ("dev", "reviewer", "docs"))
    assert [model.name for model in dev.models] == ["sonnet", "fast"]
    assert dev.credentials == (CredentialRef("github_token"), CredentialRef("git_ssh", "bot"))
    assert (dev.schedule, dev.scale, dev.timeout_s, dev.triggering.most_waiting) == ("*/5 * * * *", 5, 3600, 50)
    assert dev.pre_hooks == ("git clone --depth 1 https://github.com/acme/app /tmp/app",)
    assert dev.injected_commands == ("gh issue list --limit 5",)
    assert dev.params == {"org": "acme", "triggerLabel": "ready-for-dev", "since": "2026-01-31"}
    assert dev.dockerfile is not None
    assert [trigger.source for trigger in reviewer.webhooks] == ["my-github", "my-sentry", "my-discord", "my-twitter"]
    assert (reviewer.schedule, reviewer.timeout_s, reviewer.triggering.most_waiting) == ("0 0 * * * *", 900, 20)
    assert dict(docs.webhooks[0].filters) == {
        "events": ("build",), "actions": ("failed",), "projects": ("acme",), "branches": ("main",),
    }  # fmt: skip
    assert docs.script is not None


def test_what_is_missing_is_its_credentials(project: Project) -> None:
    told = [str(each) for each in unmet(needs_of_project(project), lambda ref, _field: ref.type == "github_token")]
    assert told == [
        'git_ssh:bot is not stored; agent "dev" needs it: freehold creds add git_ssh:bot',
        'anthropic_key is not stored; model "sonnet" of agent "dev" needs it: freehold creds add anthropic_key',
        'openai_key is not stored; model "fast" of agent "dev" needs it: freehold creds add openai_key',
        'mintlify_token is not stored; agent "docs" needs it: freehold creds add mintlify_token',
        (
            'github_webhook_secret:my-org is not stored; webhook source "my-github" needs it: '
            "freehold creds add github_webhook_secret:my-org"
        ),
        (
            'sentry_client_secret:production is not stored; webhook source "my-sentry" needs it: '
            "freehold creds add sentry_client_secret:production"
        ),
        (
            'linear_webhook_secret is not stored; webhook source "my-linear" needs it: freehold creds add '
            "linear_webhook_secret"
        ),
        (
            'mintlify_webhook_secret is not stored; webhook source "my-mintlify" needs it: '
            "freehold creds add mintlify_webhook_secret"
        ),
        'discord_bot (public_key) is not stored; webhook source "my-discord" needs it: freehold creds add discord_bot',
        (
            'x_twitter_api (consumer_secret) is not stored; webhook source "my-twitter" needs it: '
            "freehold creds add x_twitter_api"
        ),
    ]


def test_nothing_is_missing_when_all_is_stored(project: Project) -> None:
    assert unmet(needs_of_project(project), lambda _ref, _field: True) == []


def test_apk_is_the_one_exception(root: Path, tmp_path: Path) -> None:
    (root / "agents/dev/Dockerfile").write_text("FROM al-agent:latest\nUSER root\nRUN apk add github-cli\nUSER node\n")
    problems = check(root, home=tmp_path / "home").problems
    assert [str(problem) for problem in problems.errors] == [
        (
            "agents/dev/Dockerfile: line 3: the base image is Debian, which has no apk; write: RUN apt-get update && "
            "apt-get install -y --no-install-recommends gh && rm -rf /var/lib/apt/lists/*"
        )
    ]
