"""Commands in a folder that is no project: a sentence, and nothing is left there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import freehold
from tests.support.folders import one_agent, write_files

COMMANDS = [["run", "hello"], ["image", "list"], ["image", "build"], ["shell", "hello"], ["agent", "list"]]
ABOUT_RUNS = [["runs"], ["logs"], ["logs", "-f"], ["kill", "hello"], ["runs", "hello"]]


@pytest.mark.parametrize("words", COMMANDS + ABOUT_RUNS)
def test_nothing_is_left_there(tmp_path: Path, words: list[str]) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    answer = freehold(*words, home=tmp_path / "home", project=folder)
    assert answer.code == 1
    assert answer.err.startswith(f"error: {folder} holds no project")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("words", COMMANDS + ABOUT_RUNS)
def test_a_folder_of_the_project_names_the_project(tmp_path: Path, words: list[str]) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    answer = freehold(*words, home=tmp_path / "home", project=shop / "agents" / "dev")
    assert answer.code == 1
    assert f"the project around it is {shop}: go there" in answer.err


def test_in_the_home_directory_nobody_is_told_to_remove_the_credentials(tmp_path: Path) -> None:
    home = tmp_path / ".freehold"
    freehold("creds", "add", "sentry_token", "--field", "token=canary", home=home, project=tmp_path)
    answer = freehold("run", "hello", home=home, project=tmp_path)
    assert (answer.code, answer.err.splitlines()[0]) == (
        1, f"error: {tmp_path} holds no project: neither config.toml nor agents/ is there",
    )  # fmt: skip
    write_files(tmp_path, one_agent())
    answer = freehold("run", "dev", home=home, project=tmp_path)
    assert f"{tmp_path} cannot be a project: {home} is where your credentials are" in answer.err
    assert "rm " not in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs", "dve"], 'there is no agent "dve" (did you mean "dev"?)'),
        (["logs", "dve"], 'no run or agent matches "dve" (did you mean "dev"?)'),
        (["kill", "dve"], 'no run or agent matches "dve" (did you mean "dev"?)'),
        (["logs", "dev"], '"dev" has no runs yet'),
        (["logs"], "this project has no runs yet"),
    ],
)
def test_an_agent_that_is_not_there_is_told_from_one_that_never_ran(
    tmp_path: Path, words: list[str], said: str
) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    answer = freehold(*words, home=tmp_path / "home", project=shop)
    assert (answer.code, answer.err.splitlines()[0]) == (1, f"error: {said}")
    assert freehold("runs", "dev", home=tmp_path / "home", project=shop).out == (
        "No runs yet. Start one: freehold run dev\n"
    )


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_how_many_runs_is_one_at_least(tmp_path: Path, limit: str) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    answer = freehold("runs", "-n", limit, home=tmp_path / "home", project=shop)
    assert answer.code == 2
    assert "x>=1" in answer.err
