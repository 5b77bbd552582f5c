"""Which commit a push is of, asked of a repository that a stranger made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from freehold.deploy.commit import commit_of


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "config.toml").write_text("")
    git(folder, "add", "config.toml")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """One that must not be begun."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/was-begun'\ncat\n")
    program.chmod(0o755)
    return program


def was_begun(program: Path) -> bool:
    return program.with_name("was-begun").exists()


def test_the_commit_and_whether_files_differ(project: Path) -> None:
    clean = commit_of(project)
    assert clean == git(project, "rev-parse", "HEAD")[:12]
    (project / "config.toml").touch()
    assert commit_of(project) == clean
    (project / "untracked").write_text("x")
    assert commit_of(project) == clean
    (project / "config.toml").write_text("x = 1\n")
    assert commit_of(project) == f"{clean}+"
    git(project, "add", "config.toml")
    assert commit_of(project) == f"{clean}+"


def test_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) == ""


def test_in_a_folder_of_the_repository_and_in_a_working_tree_beside_it(project: Path, tmp_path: Path) -> None:
    (project / "apps").mkdir()
    clean = commit_of(project / "apps")
    git(project, "worktree", "add", "-q", str(tmp_path / "beside"))
    assert commit_of(tmp_path / "beside") == clean
    (tmp_path / "beside" / "config.toml").write_text("x = 1\n")
    assert (commit_of(tmp_path / "beside"), commit_of(project)) == (f"{clean}+", clean)


def test_a_repository_with_names_of_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "config.toml").write_text("")
    git(tmp_path, "add", "config.toml")
    git(tmp_path, "commit", "-qm", "first")
    assert commit_of(tmp_path) == git(tmp_path, "rev-parse", "HEAD")[:12]


@pytest.mark.parametrize("setting", ["core.fsmonitor", "filter.x.clean", "filter.x.process", "diff.x.command", "hook"])
def test_no_program_of_the_repositorys_is_begun(project: Path, program: Path, setting: str) -> None:
    (project / ".gitattributes").write_text("* filter=x diff=x\n")
    if setting == "hook":
        (project / ".git/hooks/post-index-change").symlink_to(program)
        (project / "config.toml").touch()
    else:
        git(project, "config", setting, str(program))
        (project / "config.toml").write_text("y = 1\n")
    assert commit_of(project).endswith("+") is (setting != "hook")
    assert not was_begun(program)


def test_no_program_of_a_submodules_is_begun(project: Path, program: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["cp", "-r", str(project), str(other)], check=True)
    git(project, "submodule", "--quiet", "add", str(other), "part")
    git(project, "commit", "-qm", "second")
    (project / "part/.gitattributes").write_text("* filter=x\n")
    git(project / "part", "config", "filter.x.clean", str(program))
    (project / "part/config.toml").write_text("y = 1\n")
    assert len(commit_of(project)) == 12
    assert not was_begun(program)


def test_what_is_missing_is_not_fetched(project: Path, program: Path) -> None:
    for name, value in (
        ("remote.origin.url", "ssh://host.example/x"), ("remote.origin.promisor", "true"),
        ("core.sshCommand", str(program)), ("extensions.partialClone", "origin"), ("protocol.ssh.allow", "always"),
    ):  # fmt: skip
        git(project, "config", name, value)
    git(project, "config", "core.repositoryFormatVersion", "1")
    tree = git(project, "rev-parse", "HEAD^{tree}")
    (project / ".git/objects" / tree[:2] / tree[2:]).unlink()
    (project / "config.toml").write_text("y = 1\n")
    assert commit_of(project).endswith("+")
    assert not was_begun(program)


def test_an_index_that_is_no_file_is_not_read(project: Path) -> None:
    clean = commit_of(project)
    (project / ".git/index").unlink()
    assert commit_of(project) == f"{clean}+"
    (project / ".git/index").symlink_to("/dev/zero")
    assert commit_of(project) == f"{clean}+"


def test_without_git(tmp_path: Path) -> None:
    assert commit_of(tmp_path / "nowhere") == ""
    assert commit_of(tmp_path) == ""
