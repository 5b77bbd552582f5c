from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.project.load import check, load_project
from tests.support.folders import AGENT, MODEL, SKILL, one_agent, write_files


def failure(root: Path, home: Path, environment: str = "") -> FreeholdError:
    with pytest.raises(FreeholdError) as raised:
        load_project(root, home=home, environment=environment)
    return raised.value


def test_a_broken_agent_stops_only_itself(tmp_path: Path) -> None:
    files = {**one_agent(), "agents/bad/SKILL.md": SKILL, "agents/bad/config.toml": "models = [\n"}
    project = load_project(write_files(tmp_path, files), home=tmp_path)
    assert project.agent("dev").name == "dev"
    assert project.agent_names == ["bad", "dev"]
    assert list(project.agents) == ["dev"]
    with pytest.raises(FreeholdError) as raised:
        project.agent("bad")
    assert raised.value.code is Code.CONFIG
    assert raised.value.message.splitlines() == [
        "1 error in the configuration",
        "  agents/bad/config.toml: end of document: invalid value",
    ]
    report = check(tmp_path, home=tmp_path)
    assert report.project is not None
    assert len(report.problems.errors) == 1


def test_an_unknown_agent_is_answered_with_the_names(tmp_path: Path) -> None:
    files = {**one_agent(), "agents/review/SKILL.md": SKILL, "agents/review/config.toml": AGENT}
    project = load_project(write_files(tmp_path, files), home=tmp_path)
    with pytest.raises(FreeholdError) as raised:
        project.agent("rewiew")
    assert raised.value.code is Code.NOT_FOUND
    assert raised.value.message == f'there is no agent "rewiew" in {tmp_path} (did you mean "review"?)'
    assert raised.value.hint == "the agents are: dev, review"


@pytest.mark.parametrize("name", ["../dev", "dev/..", "/etc", "..", "", "Dev", "default", "a--b", "dev\n", "x" * 65])
def test_a_name_that_cannot_be_an_agents_is_refused(tmp_path: Path, name: str) -> None:
    project = load_project(write_files(tmp_path, one_agent()), home=tmp_path)
    with pytest.raises(FreeholdError) as raised:
        project.agent(name)
    assert raised.value.code is Code.NOT_FOUND


def test_a_folder_whose_name_cannot_be_an_agents_is_broken(tmp_path: Path) -> None:
    files = {"config.toml": MODEL, "agents/My_Agent/SKILL.md": SKILL, "agents/My_Agent/config.toml": AGENT}
    project = load_project(write_files(tmp_path, files), home=tmp_path)
    (problem,) = project.broken["My_Agent"].errors
    assert problem.where == "agents/My_Agent"
    assert problem.message == (
        '"My_Agent" is not a name for an agent: use lower-case letters, digits and single hyphens, '
        "with a letter or digit at both ends"
    )


def test_what_is_no_agent_is_passed_over(tmp_path: Path) -> None:
    files = {**one_agent(), "agents/node_modules/SKILL.md": SKILL, "agents/.git/SKILL.md": SKILL, "agents/empty/x": ""}
    project = load_project(write_files(tmp_path, files), home=tmp_path)
    assert project.agent_names == ["dev"]
    assert [str(problem) for problem in project.warnings] == ["agents/empty: has no SKILL.md, so it is no agent"]


def test_where_there_is_no_project(tmp_path: Path) -> None:
    error = failure(tmp_path, tmp_path)
    assert error.code is Code.NOT_FOUND
    assert error.message == f"{tmp_path} holds no project: neither config.toml nor agents/ is there"
    assert error.hint == "make one with `freehold new NAME`, or name the project's folder with -p"
    assert failure(tmp_path / "missing", tmp_path).message == f"{tmp_path / 'missing'} is not a folder"
    inside = write_files(tmp_path / "dev", {"SKILL.md": SKILL})
    assert failure(inside, tmp_path).message == f"{inside} is an agent's folder, not a project's"


def test_the_project_around_a_folder_is_named(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    hint = f"the project around it is {shop}: go there, or name it with -p"
    assert failure(shop / "agents", tmp_path).hint == hint
    (shop / "agents/dev/config.toml").write_text("models = []\n")
    error = failure(shop / "agents/dev", tmp_path)
    assert (error.message, error.hint) == (f"{shop / 'agents/dev'} is an agent's folder, not a project's", hint)


def test_a_project_without_config_is_one(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    assert load_project(tmp_path, home=tmp_path).agent_names == []


def test_names_and_places(tmp_path: Path) -> None:
    root = write_files(tmp_path / "My Project", {"config.toml": "", "shared/a.md": "x"})
    project = load_project(root, home=tmp_path)
    assert (project.root, project.name, project.state_dir) == (root, "My Project", root / ".freehold")
    assert project.shared_dir == root / "shared"
    assert project.unique_name.startswith("my-project-")
    (root / ".env.toml").write_text('projectName = "acme"\n')
    named = load_project(root, home=tmp_path)
    assert named.name == "acme"
    assert named.unique_name == f"acme-{project.unique_name[-4:]}"


def test_a_relative_folder_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, one_agent())
    monkeypatch.chdir(tmp_path)
    project = load_project(Path(), home=tmp_path)
    assert project.root == tmp_path
    assert project.agent("dev").directory == tmp_path / "agents/dev"


ENVIRONMENT = {"home/environments/staging.toml": "[local]\ntimeout = 5\n", "home/environments/prod.toml": ""}


def test_the_environment_lies_over_the_rest(tmp_path: Path) -> None:
    files = {**one_agent(), ".env.toml": "environment = 'prod'\n[local]\ntimeout = 4\ncpus = 1\n", **ENVIRONMENT}
    root = write_files(tmp_path, files)
    bound = load_project(root, home=root / "home")
    chosen = load_project(root, home=root / "home", environment="staging")
    assert (bound.environment, bound.config.local.timeout_s) == ("prod", 4)
    assert (chosen.environment, chosen.config.local.timeout_s) == ("staging", 5)
    assert chosen.agent("dev").timeout_s == 5


@pytest.mark.parametrize("name", ["stagin", "../outside", "Staging"])
def test_an_unknown_environment_is_answered_with_the_names(tmp_path: Path, name: str) -> None:
    root = write_files(tmp_path, {**one_agent(), **ENVIRONMENT, "home/outside.toml": "scale = 1\n"})
    error = failure(root, root / "home", name)
    assert error.code is Code.NOT_FOUND
    assert error.message.startswith(f'there is no environment "{name}"')
    assert error.message.endswith("there is: prod, staging")


def test_an_environments_models_are_seen_by_agents(tmp_path: Path) -> None:
    """Action Llama read them without the chosen environment."""
    files = {**one_agent("models = ['far']"), "home/environments/prod.toml": MODEL.replace("sonnet]", "far]")}
    root = write_files(tmp_path, files)
    assert load_project(root, home=root / "home", environment="prod").agent("dev").models[0].name == "far"
    assert list(load_project(root, home=root / "home").broken) == ["dev"]


def test_agents_are_not_blamed_for_a_file_of_the_project_that_cannot_be_read(tmp_path: Path) -> None:
    files = {**one_agent("models = ['sonnet']\ntimeout = 'x'\n"), "config.toml": "[models.sonnet\n"}
    report = check(write_files(tmp_path, files), home=tmp_path)
    assert [str(problem) for problem in report.problems.errors] == [
        "config.toml: line 1, column 15: expected ']' at the end of a table declaration",
        "agents/dev/config.toml: timeout: must be a whole number, not a string",
    ]


def test_more_than_the_project_has_is_warned_of(tmp_path: Path) -> None:
    files = {
        **one_agent("models = ['sonnet']\nscale = 2\n", project=f"scale = 3\n{MODEL}"),
        "agents/other/SKILL.md": SKILL,
        "agents/other/config.toml": "models = ['sonnet']\nscale = 2\n",
    }
    project = load_project(write_files(tmp_path, files), home=tmp_path)
    assert [str(problem) for problem in project.warnings] == [
        "config.toml: scale: is 3, but the agents want 4 together; some of them will wait"
    ]


def test_agents_that_may_be_called_and_are_not_there_are_warned_of(tmp_path: Path) -> None:
    files = {
        **one_agent("models = ['sonnet']\ncalls = ['other', 'othr', 'broken']\n"),
        "agents/other/SKILL.md": SKILL,
        "agents/other/config.toml": "models = ['sonnet']\ncalls = []\n",
        "agents/broken/SKILL.md": SKILL,
        "agents/broken/config.toml": "models = ['nobody']\n",
    }
    project = load_project(write_files(tmp_path, files), home=tmp_path)
    assert project.agents["dev"].calls == ("other", "othr", "broken")
    assert project.agents["other"].calls == ()
    assert [str(problem) for problem in project.warnings] == [
        'agents/dev: calls: there is no agent "othr" (did you mean "other"?)'
    ]


def test_the_projects_own_dockerfile(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**one_agent(), "Dockerfile": "FROM al-agent:latest\nRUN apk add jq\n"})
    assert "Dockerfile: line 2: the base image is Debian" in failure(root, tmp_path).message
    (root / "Dockerfile").write_text("FROM al-agent:latest\nRUN true\n")
    assert load_project(root, home=tmp_path).dockerfile == root / "Dockerfile"
    (root / "Dockerfile").write_text("# untouched\nFROM al-agent:latest\n")
    assert load_project(root, home=tmp_path).dockerfile is None
