"""Which commit a push is of, asked of a repository that a stranger made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from freehold.deploy.wanted import commit_of


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "config.toml").write_text("")
    git(tmp_path, "add", "config.toml")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_the_commit_and_whether_files_differ(project: Path) -> None:
    clean = commit_of(project)
    assert len(clean) == 12
    (project / "config.toml").write_text("x = 1\n")
    assert commit_of(project) == f"{clean}+"


def test_no_program_of_the_repositorys_is_begun(project: Path, tmp_path: Path) -> None:
    program = project / "program"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/was-begun'\n")
    program.chmod(0o755)
    git(project, "config", "core.fsmonitor", str(program))
    (project / "config.toml").write_text("y = 1\n")
    assert commit_of(project).endswith("+")
    assert not (tmp_path / "was-begun").exists()


def test_without_git(tmp_path: Path) -> None:
    assert commit_of(tmp_path / "nowhere") == ""
