from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.snapshot import MOST_ITEMS, take_snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "agents" / "dev"
    made.mkdir(parents=True)
    (made / "SKILL.md").write_text("Be kind.")
    return made


def paths(target: Path) -> set[str]:
    return {str(path.relative_to(target)) for path in target.rglob("*")}


def test_the_copy_is_readable_by_the_runs_user(folder: Path, tmp_path: Path) -> None:
    (folder / "SKILL.md").chmod(0o600)
    (folder / "tools").mkdir(mode=0o700)
    (folder / "tools" / "count.sh").write_text("#!/bin/sh\n")
    (folder / "tools" / "count.sh").chmod(0o700)
    old = os.umask(0o077)
    try:
        take_snapshot(folder, tmp_path / "copy")
    finally:
        os.umask(old)
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in (tmp_path / "copy").rglob("*")}
    assert modes == {"copy/SKILL.md": 0o644, "copy/tools": 0o755, "copy/tools/count.sh": 0o755}
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o755


def test_history_secrets_and_state_stay_behind(folder: Path, tmp_path: Path) -> None:
    for name in (
        ".git/config",
        ".env",
        ".env.local",
        "sub/.env.toml",
        ".freehold/state.db",
        "logs/a.log",
        ".editorconfig",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / ".freeholdignore").write_text("logs/\n")
    take_snapshot(folder, tmp_path / "copy")
    assert paths(tmp_path / "copy") == {"SKILL.md", "sub", ".editorconfig", ".freeholdignore"}


def test_hidden_names_can_stay_behind_too(folder: Path, tmp_path: Path) -> None:
    (folder / ".notes").write_text("x")
    take_snapshot(folder, tmp_path / "copy", hidden=False)
    assert paths(tmp_path / "copy") == {"SKILL.md"}


def test_what_was_there_is_replaced(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "old").write_text("x")
    take_snapshot(folder, tmp_path / "copy")
    take_snapshot(folder, tmp_path / "copy")
    assert paths(tmp_path / "copy") == {"SKILL.md"}


def test_a_link_within_the_folder_stays_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "README").symlink_to("SKILL.md")
    take_snapshot(folder, tmp_path / "copy")
    assert (tmp_path / "copy" / "README").readlink() == Path("SKILL.md")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../secret", "../reviewer/SKILL.md"])
def test_a_link_that_leaves_the_folder_is_refused(folder: Path, tmp_path: Path, target: str) -> None:
    (folder / "notes").symlink_to(target)
    with pytest.raises(FreeholdError) as caught:
        take_snapshot(folder, tmp_path / "copy")
    assert caught.value.code is Code.CONFIG
    assert target in caught.value.message
    assert str(folder / "notes") in caught.value.message
    assert not (tmp_path / "copy").exists()


def test_a_link_through_another_folder_that_leaves_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "b").symlink_to("../..")
    with pytest.raises(FreeholdError):
        take_snapshot(folder, tmp_path / "copy")


def test_a_pipe_is_refused_and_not_waited_for(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(FreeholdError, match="not a file"):
        take_snapshot(folder, tmp_path / "copy")


def test_too_much_is_refused_before_anything_is_copied(folder: Path, tmp_path: Path) -> None:
    (folder / "model.bin").write_bytes(bytes(2000))
    with pytest.raises(FreeholdError) as caught:
        take_snapshot(folder, tmp_path / "copy", largest_bytes=1000)
    assert caught.value.code is Code.TOO_LARGE
    assert "model.bin" in caught.value.hint
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("prepare", "code"),
    [(lambda folder: folder.rename(folder.with_name("gone")), Code.CONFIG)],
    ids=["folder is gone"],
)
def test_what_cannot_be_read_is_named(
    folder: Path, tmp_path: Path, prepare: Callable[[Path], object], code: Code
) -> None:
    prepare(folder)
    with pytest.raises(FreeholdError) as caught:
        take_snapshot(folder, tmp_path / "copy")
    assert caught.value.code is code
    assert str(folder) in caught.value.message


def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").symlink_to(folder)
    with pytest.raises(FreeholdError, match="is a link"):
        take_snapshot(tmp_path / "shared", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("target", ["/dev/zero", "SKILL.md"])
def test_ignore_rules_that_are_a_link_are_refused(folder: Path, tmp_path: Path, target: str) -> None:
    (folder / ".freeholdignore").symlink_to(target)
    with pytest.raises(FreeholdError, match="freeholdignore: cannot be read: is a link"):
        take_snapshot(folder, tmp_path / "copy")


def test_more_files_than_a_run_may_wait_for_are_refused(folder: Path, tmp_path: Path) -> None:
    for number in range(100):
        (folder / f"{number}").mkdir()
        for name in range(MOST_ITEMS // 100):
            (folder / f"{number}" / f"{name}").touch()
    with pytest.raises(FreeholdError, match="more than 10000 files and folders") as caught:
        take_snapshot(folder, tmp_path / "copy")
    assert caught.value.code is Code.TOO_LARGE


def test_a_well_of_folders_is_refused(folder: Path, tmp_path: Path) -> None:
    deep = folder
    for _ in range(100):
        deep = deep / "d"
    deep.mkdir(parents=True)
    with pytest.raises(FreeholdError, match="folders more than 64 deep") as caught:
        take_snapshot(folder, tmp_path / "copy")
    assert caught.value.code is Code.TOO_LARGE


def test_links_that_go_round_lead_nowhere(folder: Path, tmp_path: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    take_snapshot(folder, tmp_path / "copy")
    assert (tmp_path / "copy/a").readlink() == Path("b")
