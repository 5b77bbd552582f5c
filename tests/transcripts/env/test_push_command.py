"""`freehold push`, `rollback` and `releases` before a server is reached: what is asked for, and each failure's code."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Answer, freehold
from tests.support.folders import AGENT, MODEL, one_agent, write_files

KEY = {"credentials/anthropic_key/default/token": "sk-ant-secret\n"}


@pytest.fixture
def closed() -> Iterator[int]:
    """A port of this machine at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", one_agent())


@pytest.fixture
def home(tmp_path: Path, closed: int) -> Path:
    server = f'[server]\nhost = "127.0.0.1"\nport = {closed}\nuser = "root"\n'
    return write_files(
        tmp_path / "home", {"environments/prod.toml": server, "environments/other.toml": server, **KEY}
    )  # fmt: skip


def typed(project: Path, home: Path, *words: str) -> Answer:
    return freehold(*words, home=home, project=project)


@pytest.mark.parametrize("words", [("push",), ("rollback", "--yes"), ("releases",)])
def test_an_environment_is_needed(project: Path, home: Path, words: tuple[str, ...]) -> None:
    answer = typed(project, home, *words)
    assert answer.code == 2
    assert "say which: -E other, -E prod" in answer.err
    answer = typed(project, home, *words, "-E", "prd")
    assert (answer.code, 'did you mean "prod"' in answer.err) == (1, True)


@pytest.mark.parametrize("words", [("push",), ("rollback", "--yes"), ("releases",), ("push", "--dry-run")])
def test_a_server_that_is_away(project: Path, home: Path, words: tuple[str, ...]) -> None:
    answer = typed(project, home, *words, "-E", "prod")
    assert answer.code == 5
    assert "prod cannot be reached" in answer.err


def test_each_of_several_servers_has_its_own_outcome(project: Path, home: Path) -> None:
    answer = typed(project, home, "push", "-E", "prod", "-E", "other", "-E", "prod", "--json")
    assert answer.code == 5
    told = json.loads(answer.out)["environments"]
    assert [(each["environment"], each["error"]["code"], each["changed"]) for each in told] == [
        ("prod", "unreachable", False), ("other", "unreachable", False)
    ]  # fmt: skip


def test_mistakes_of_the_project_are_told_before_anybody_is_asked(project: Path, home: Path) -> None:
    write_files(project, {"agents/dev/config.toml": 'models = ["sonet"]\ntimeout = 0\n'})
    answer = typed(project, home, "push", "-E", "prod")
    assert answer.code == 3
    assert "agents/dev/config.toml: models[0]" in answer.err
    assert "agents/dev/config.toml: timeout" in answer.err


def test_an_agent_that_would_be_another_user_there_is_refused(project: Path, home: Path) -> None:
    other = one_agent(AGENT + '[runtime]\ntype = "host-user"\n')["agents/dev/config.toml"]
    write_files(project, {"agents/dev/config.toml": other})
    answer = typed(project, home, "push", "-E", "prod")
    assert (answer.code, "host-user" in answer.err, "so run: dev" in answer.err) == (3, True, True)
    write_files(project, {"agents/dev/config.toml": AGENT, "config.toml": MODEL + '[local]\nengine = "host-user"\n'})
    assert typed(project, home, "push", "-E", "prod").code == 3
    for name in ("prod", "other"):  # an environment's file is laid over the project's
        with (home / f"environments/{name}.toml").open("a") as file:
            file.write('[local]\nengine = "docker"\n')
    assert typed(project, home, "push", "-E", "prod").code == 5


def test_a_credential_that_is_missing_is_named(project: Path, home: Path) -> None:
    (home / "credentials/anthropic_key/default/token").unlink()
    answer = typed(project, home, "push", "-E", "prod")
    assert answer.code == 4
    assert "freehold creds add anthropic_key" in answer.err
    answer = typed(project, home, "push", "-E", "prod", "--dry-run")
    assert (answer.code, "prod cannot be reached" in answer.err) == (5, True), "a plan is made all the same"


def test_an_agent_that_there_is_not(project: Path, home: Path) -> None:
    answer = typed(project, home, "push", "devv", "-E", "prod")
    assert (answer.code, 'did you mean "dev"' in answer.err) == (1, True)


def test_a_folder_without_a_project(tmp_path: Path, home: Path) -> None:
    assert typed(write_files(tmp_path / "x", {"a": ""}), home, "push", "-E", "prod").code == 1


def test_a_question_that_nobody_can_answer(project: Path, home: Path) -> None:
    answer = typed(project, home, "rollback", "-E", "prod", "--no-input")
    assert (answer.code, "give --yes" in answer.err) == (2, True)
