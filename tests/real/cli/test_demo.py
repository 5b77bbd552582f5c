"""The demo, as somebody who has just cloned the project types it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from freehold.cli.demo_template import alone_in
from tests.support.program import Freehold, freehold_in


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small repository with a tag, and history since."""
    folder = tmp_path / "repository"
    folder.mkdir()

    def git(*words: str) -> None:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch=main")
    for number, subject in enumerate(["start", "api: answer in JSON", "docs: say how", "tidy up"]):
        (folder / "file.txt").write_text(f"{number}\n")
        git("add", "file.txt")
        git("commit", "--quiet", "-m", subject)
        if number == 0:
            git("tag", "v1.0")
    return folder


def check_demo(freehold: Freehold, folder: Path, repository: Path, *options: str) -> str:
    done = freehold("demo", "--repo", str(repository), "--into", str(folder), *options)
    assert done.returncode == 0, done.stdout + done.stderr
    notes = (folder / "repository" / "RELEASE_NOTES.md").read_text()
    for line in ("## api", "- answer in JSON", "## docs", "## Other changes", "- tidy up", "since v1.0"):
        assert line in notes
    assert "- start" not in notes
    show = ["git", "-C", str(folder / "repository"), "log", "-1", "--format=%an %s", "release-notes"]
    assert subprocess.run(show, capture_output=True, text=True).stdout == "release-notes agent Release notes\n"
    branches = subprocess.run(["git", "-C", str(repository), "branch"], capture_output=True, text=True).stdout
    assert branches == "* main\n"
    assert "completed in" in done.stdout
    assert "creds add anthropic_key" in done.stdout
    return done.stdout + done.stderr


@pytest.mark.docker
@pytest.mark.xdist_group("images")
def test_in_docker(tmp_path: Path, repository: Path) -> None:
    with freehold_in(tmp_path, tmp_path / "home") as freehold:
        project = tmp_path / "demo"
        told = check_demo(freehold, project, repository, "--engine", "docker")
        assert "docker: a container" in told
        again = check_demo(freehold, project, repository)
        assert "completed in" in again
        freehold.project = project
        shown = freehold("runs")
        assert shown.stdout.count("completed") == 2


def test_without_docker_and_without_a_second_user(tmp_path: Path, repository: Path) -> None:
    with freehold_in(tmp_path, tmp_path / "home") as freehold:
        freehold.env = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
        project = tmp_path / "demo"
        told = check_demo(freehold, project, repository)
        freehold.project = project
        assert "no container: " in told
        assert ("THE AGENT RUNS AS YOU" in told) == (os.geteuid() != 0)


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with freehold_in(tmp_path, tmp_path / "home") as freehold:
        done = freehold("demo", "--repo", str(repository), "--into", "mine")
    assert done.returncode == 1
    assert "mine exists and is no demo project" in done.stderr
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["thesis.txt"]


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    with freehold_in(tmp_path, tmp_path / "home") as freehold:
        done = freehold("demo", "--repo", str(tmp_path / "nowhere"), "--into", "demo")
    assert done.returncode == 1
    assert "git could not clone" in done.stderr
    assert "--repo" in done.stderr


def test_a_repository_without_commits(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "new")], check=True)
    with freehold_in(tmp_path, tmp_path / "home") as freehold:
        done = freehold("demo", "--repo", "new", "--into", "demo")
    assert done.returncode == 2
    assert "has no commits yet" in done.stderr
    assert "committed it on a branch" not in done.stdout


@pytest.mark.parametrize("place", ["/proc/demo", "a-file/demo", "a-file"])
def test_a_folder_that_cannot_be_made(tmp_path: Path, repository: Path, place: str) -> None:
    (tmp_path / "a-file").touch()
    with freehold_in(tmp_path, tmp_path / "home") as freehold:
        done = freehold("demo", "--repo", str(repository), "--into", place)
    assert done.returncode == 1
    assert "--into FOLDER" in done.stderr
    assert "defect" not in done.stderr


def test_what_it_tells_to_type_can_be_pasted(tmp_path: Path, repository: Path) -> None:
    with freehold_in(tmp_path, tmp_path / "home") as freehold:
        freehold.env = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
        done = freehold("demo", "--repo", str(repository), "--into", "it's mine")
    assert done.returncode == 0, done.stderr
    [shown] = [line for line in done.stdout.splitlines() if line.endswith("show release-notes")]
    looked = subprocess.run(["sh", "-c", shown], cwd=tmp_path, capture_output=True, text=True)
    assert "Release notes" in looked.stdout, looked.stderr


def test_two_at_once_in_one_folder(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "demo").mkdir()
    with freehold_in(tmp_path, tmp_path / "home") as freehold, alone_in(tmp_path / "demo"):
        done = freehold("demo", "--repo", str(repository), "--into", "demo")
    assert done.returncode == 1
    assert "another demo is at work in" in done.stderr
