"""`freehold new`: what it makes can be loaded, run, and read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.project.load import check
from freehold.store.credentials import FileCredentialStore
from tests.support.command import Answer, freehold
from tests.support.terminal import at_terminal

CANARY = "sk-ant-canary-7b1c55"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(*words: str, folder: Path) -> Answer:
    return freehold("new", *words, home=folder / "home", project=folder)


def test_a_project_that_works_is_made(folder: Path) -> None:
    answer = new("shop", folder=folder)
    assert answer == Answer(
        0,
        "shop/ holds a project with the agent hello\n",
        "next:\n"
        "  cd shop\n"
        "  freehold run hello --rehearse        # no key needed: rehearsal.yaml plays the model\n"
        "  freehold creds add anthropic_key      # then for real:\n"
        '  freehold run hello "What can you do here?"\n',
    )
    report = check(folder / "shop", home=folder / "home")
    assert (report.problems.errors, report.problems.warnings) == ([], [])
    assert report.project is not None
    agent = report.project.agent("hello")
    assert [(model.provider, model.model) for model in agent.models] == [("anthropic", "claude-sonnet-4-5")]
    assert agent.rehearsal is not None
    assert agent.injected_commands == ('date -u "+%F %R UTC"',)
    assert (folder / "shop/.gitignore").read_text() == ".freehold/\n.env.toml\n"


def test_its_rehearsal_has_the_agreed_form(folder: Path) -> None:
    new("shop", folder=folder)
    rehearsal = YAML(typ="safe").load((folder / "shop/agents/hello/rehearsal.yaml").read_text())
    assert rehearsal["version"] == 1
    assert all(turn.keys() <= {"say", "shell", "write", "expect"} for turn in rehearsal["turns"])


MODELS = [
    (["--provider", "openai"], ("openai", "gpt-5.1", "https://api.openai.com/v1")),
    (["--provider", "groq", "--model", "llama"], ("groq", "llama", "https://api.groq.com/openai/v1")),
    (["--provider", "custom", "--model", 'a"b', "--base-url", "http://localhost:1/v1"],
     ("custom", 'a"b', "http://localhost:1/v1")),
]  # fmt: skip


@pytest.mark.parametrize(("words", "model"), MODELS)
def test_other_models(folder: Path, words: list[str], model: tuple[str, str, str]) -> None:
    assert new("shop", *words, folder=folder).code == 0
    project = check(folder / "shop", home=folder / "home").project
    assert project is not None
    made = project.config.models["main"]
    assert (made.provider, made.model, made.base_url) == model


REFUSED = [
    (["full"], 1, "is there already, and not empty"),
    (["shop", "--provider", "groq"], 2, "no model is named for groq"),
    (["shop", "--provider", "custom", "--model", "x"], 2, "a custom model needs an address"),
    (["full/file/shop"], 1, "Not a directory"),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSED)
def test_what_cannot_be_made_is_told(folder: Path, words: list[str], code: int, message: str) -> None:
    (folder / "full").mkdir()
    (folder / "full/file").write_text("x")
    answer = new(*words, folder=folder)
    assert answer.code == code
    assert message in answer.err
    assert not (folder / "shop").exists()


def test_json_names_what_is_missing(folder: Path) -> None:
    answer = new("shop", "--json", folder=folder)
    assert json.loads(answer.out) == {"project": str(folder / "shop"), "agent": "hello", "missing": ["anthropic_key"]}
    FileCredentialStore(folder / "home").put(CredentialRef("anthropic_key"), {"token": Secret(CANARY)})
    answer = new("other", "--json", folder=folder)
    assert json.loads(answer.out)["missing"] == []


def test_nothing_is_asked_so_that_lines_pasted_after_it_are_not_taken_for_answers(folder: Path) -> None:
    code, shown = at_terminal(["new", "shop"], [], home=folder / "home", folder=folder)
    assert code == 0, shown
    assert "freehold creds add anthropic_key" in shown


def test_a_model_of_ones_own_runs_after_what_is_told_next(folder: Path) -> None:
    words = ["--provider", "custom", "--model", "llama", "--base-url", "http://localhost:11434/v1"]
    answer = new("shop", *words, folder=folder)
    assert "freehold creds add custom_key --field hosts=localhost " in answer.err
    project = check(folder / "shop", home=folder / "home").project
    assert project is not None
    budget = project.config.budget
    assert (budget.tokens_per_run, budget.usd_per_run) == (1_000_000, None), "what it costs is not known"


def test_the_way_there_can_be_pasted(folder: Path) -> None:
    assert "  cd 'my shop'\n" in new("my shop", folder=folder).err
