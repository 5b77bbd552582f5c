"""`freehold agent new|list|show`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from freehold.project.load import load_project
from tests.support.command import freehold
from tests.support.folders import MODEL, SKILL, one_agent, write_files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = one_agent("models = ['sonnet']\ncredentials = ['sentry_token']\nschedule = '0 9 * * 1'\n")
    broken = {"agents/bad/SKILL.md": SKILL, "agents/bad/config.toml": "models = ['sonet']\n"}
    return write_files(tmp_path / "project", {**files, **broken})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_new_agent_can_run_as_it_is(project: Path, home: Path) -> None:
    answer = freehold("agent", "new", "triage", "--description", 'Says "no": a #1', home=home, project=project)
    assert answer.code == 0
    assert answer.out == "agents/triage/SKILL.md holds its instructions, config.toml beside it its configuration\n"
    assert answer.err == "then: freehold run triage\n"
    agent = load_project(project, home=home).agent("triage")
    assert agent.description == 'Says "no": a #1'
    assert [model.name for model in agent.models] == ["sonnet"]
    assert agent.warnings == ()


def test_what_cannot_be_made_is_told(project: Path, home: Path) -> None:
    for words, code, message in (
        (["dev"], 1, "agents/dev is there already"),
        (["../x"], 2, '"../x" is not a name for an agent'),
        (["other", "--model", "sonet"], 1, 'unknown model "sonet" (did you mean "sonnet"?)'),
    ):
        answer = freehold("agent", "new", *words, home=home, project=project)
        assert answer.code == code
        assert f"error: {message}" in answer.err
    empty = write_files(home / "empty", {"config.toml": ""})
    answer = freehold("agent", "new", "dev", home=home, project=empty)
    assert (answer.code, answer.err) == (
        3, "error: the project has no model yet\n  add [models.<name>] to config.toml\n",
    )  # fmt: skip


def test_agents_are_listed_and_a_broken_one_with_its_errors(project: Path, home: Path) -> None:
    answer = freehold("agent", "list", home=home, project=project)
    assert answer.code == 0
    assert answer.out == (
        "AGENT  STATE   MODELS  STARTED BY  WHAT IT DOES\n"
        "bad    broken\n"
        "dev    ready   sonnet  0 9 * * 1   Does something.\n"
    )
    assert answer.err == (
        'warning: bad: agents/bad/config.toml: models[0]: unknown model "sonet" (did you mean "sonnet"?); '
        "there is: sonnet\n"
    )
    listed = json.loads(freehold("agent", "list", "--json", home=home, project=project).out)
    assert [(each["name"], each["state"]) for each in listed] == [("bad", "broken"), ("dev", "ready")]


def test_an_agent_is_shown_with_what_the_project_adds(project: Path, home: Path) -> None:
    answer = freehold("agent", "show", "dev", home=home, project=project)
    assert answer.out.splitlines() == [
        "dev: Does something.",
        f"  folder:       {project}/agents/dev",
        "  models:       sonnet (anthropic claude-sonnet-4-20250514)",
        "  harness:      builtin",
        "  engine:       docker, 4.0 GB, 2 CPUs, 15 min 00 s",
        "  credentials:  sentry_token",
        "  network:      allowlist",
        "  reaches:      *.sentry.io, files.pythonhosted.org, pypi.org, registry.npmjs.org, sentry.io",
        "  started by:   0 9 * * 1",
        "  budget:       none",
        "  permissions:  allow",
    ]
    shown = json.loads(freehold("agent", "show", "dev", "--json", home=home, project=project).out)
    assert shown["timeout_s"] == 900
    assert shown["hosts"] == ["pypi.org", "files.pythonhosted.org", "registry.npmjs.org", "sentry.io", "*.sentry.io"]


def test_an_unknown_and_a_broken_agent_are_told(project: Path, home: Path) -> None:
    unknown = freehold("agent", "show", "dex", home=home, project=project)
    assert (unknown.code, unknown.err) == (
        1, f'error: there is no agent "dex" in {project} (did you mean "dev"?)\n  the agents are: bad, dev\n',
    )  # fmt: skip
    broken = freehold("agent", "show", "bad", home=home, project=project)
    assert broken.code == 3
    assert "models[0]: unknown model" in broken.err


def test_a_project_without_agents_says_what_to_do(tmp_path: Path, home: Path) -> None:
    empty = write_files(tmp_path / "empty", {"config.toml": MODEL})
    answer = freehold("agent", "list", home=home, project=empty)
    assert answer.out == "No agents yet. `freehold agent new NAME` makes one, `freehold agent add` takes one over.\n"
