"""`freehold runs files` and `runs diff` of a project on another machine, and of one without anything to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.files import write_atomically
from freehold.base.ids import new_run_id
from freehold.keeper.left import write_left
from freehold.wire.left import FileLeft, Left, RepositoryLeft
from tests.support.command import Answer, freehold

PATCH = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-one\n+two \x1b[2J\n"
LEFT = Left(
    files=[
        FileLeft(path="/workspace/x", state="changed", size_bytes=4, content=b"two \x1b[2J\n"),
        FileLeft(path="/workspace/large\x1b[2J", state="written", size_bytes=5_000_000),
        FileLeft(path="/workspace/old", state="removed"),
    ],
    more=2,
    repositories=[
        RepositoryLeft(path="/workspace", base="a" * 40, patch=PATCH, cut=True),
        RepositoryLeft(path="/workspace/odd", problem="its changes could not be looked at: git read-tree failed"),
    ],
    problem="there were too many files to look at all of them",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / ".freehold" / "runs").mkdir(parents=True)
    return folder


def typed(project: Path, *words: str) -> Answer:
    return freehold(*words, home=project.parent / "home", project=project)


def run_in(project: Path, left: Left | None = LEFT) -> str:
    run_id = str(new_run_id("dev"))
    directory = project / ".freehold" / "runs" / run_id
    directory.mkdir()
    write_atomically(directory / "run.json", b"{}")
    if left:
        write_left(directory, left)
    return run_id


def test_the_list_and_what_is_not_in_it(project: Path) -> None:
    answer = typed(project, "runs", "files", run_in(project))
    assert answer.code == 0
    assert [line.split() for line in answer.out.splitlines()] == [
        ["STATE", "SIZE", "FILE"], ["changed", "4", "B", "/workspace/x"],
        ["written", "4.8", "MB", "/workspace/large[2J"], ["removed", "/workspace/old"],
    ]  # fmt: skip
    assert answer.err == "2 files more, not listed\nthere were too many files to look at all of them\n"


def test_a_patch_is_as_it_was_written_and_what_is_said_of_it_beside_it(project: Path) -> None:
    answer = typed(project, "runs", "diff", run_in(project))
    assert answer.out == PATCH
    assert "/workspace, since aaaaaaaaaaaa\nthe patch is longer than what is kept of it\n" in answer.err
    assert "git read-tree failed" in answer.err
    assert typed(project, "-q", "runs", "diff", run_in(project)).err == ""


def test_the_content_of_one_file(project: Path, tmp_path: Path) -> None:
    run_id = run_in(project)
    assert typed(project, "runs", "files", run_id, "/workspace/x").out == "two \x1b[2J\n"
    assert typed(project, "runs", "files", run_id, "/workspace/x", "-o", str(tmp_path / "saved")).out == ""
    assert (tmp_path / "saved").read_bytes() == b"two \x1b[2J\n"
    assert "dHdv" in typed(project, "--json", "runs", "files", run_id, "/workspace/x").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["/workspace/old"], "its content is not kept"), (["/workspace/none"], "is not among the files"),
        (["../run.json"], "is not among the files"), (["-o", "x"], "name it: freehold runs files RUN PATH"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown(project: Path, words: list[str], says: str) -> None:
    answer = typed(project, "runs", "files", run_in(project), *words)
    assert answer.code != 0
    assert says in answer.err


def test_a_run_that_told_nothing(project: Path) -> None:
    answer = typed(project, "runs", "diff", run_in(project, None))
    assert answer.code != 0
    assert "is not known" in answer.err
    assert typed(project, "runs", "files", run_in(project, Left())).out == "It left no file that it wrote.\n"
    assert typed(project, "runs", "diff", run_in(project, Left())).err == "it changed nothing in a git repository\n"
