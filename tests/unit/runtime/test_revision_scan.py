"""Reading live files: what is remembered of them, and what is never taken."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.revision import Kind
from freehold.runtime.revision_scan import SETTLED_NS, Content, Live, Scanner
from tests.support.folders import one_agent, write_files


class Looking:
    """A project and a scanner of it, which looks after all is settled unless it is told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.root = write_files(folder / "project", one_agent())
        self.scanner = Scanner(self.root, folder / "home")
        self._aside = folder / "aside"
        self.known: dict[Content, Path] = {}

    def look(self, *, settled: bool = True) -> Live:
        self._aside = self._aside.with_name(f"{self._aside.name}x")
        self._aside.mkdir()
        now_ns = time.time_ns() + (SETTLED_NS + 1_000_000_000 if settled else 0)
        live = self.scanner.scan(self.known, self._aside, now_ns)
        self.known |= live.sources
        return live


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


def paths(live: Live) -> set[str]:
    return {entry.path for entry in live.manifest.entries if entry.kind is not Kind.FOLDER}


def test_what_has_just_changed_is_read_again_and_what_is_settled_is_not(looking: Looking) -> None:
    looking.look(settled=False)
    assert looking.scanner.seen == {}, "it may change again within the same tick of the clock"
    looking.look()
    assert {path.name for path in looking.scanner.seen} == {"config.toml", "SKILL.md"}


def test_nothing_is_copied_twice(looking: Looking) -> None:
    first = looking.look()
    assert len(first.sources) == 3
    second = looking.look()
    assert (second.sources, second.manifest) == ({}, first.manifest)


def test_what_is_remembered_and_has_no_copy_is_read_again(looking: Looking) -> None:
    looking.look()
    looking.known.clear()
    assert len(looking.look().sources) == 3


def test_secrets_and_history_of_agents_are_left_out(looking: Looking) -> None:
    write_files(
        looking.root,
        {
            "agents/dev/.env": "x", "agents/dev/.git/config": "x", "agents/dev/big/x": "x", "notes.txt": "x",
            "agents/dev/.freeholdignore": "big/\n", ".env.toml": "projectName = 'p'\n", "agents/none/README.md": "x",
        },
    )  # fmt: skip
    names = ("config.toml", ".env.toml", "agents/dev/SKILL.md", "agents/dev/config.toml", "agents/dev/.freeholdignore")
    assert paths(looking.look()) == {f"files/{name}" for name in names}


def test_what_the_projects_dockerfile_copies_is_taken(looking: Looking) -> None:
    write_files(
        looking.root,
        {"Dockerfile": "FROM freehold-agent\nCOPY tools/ /tools/\n", "tools/a/run": "x", "other": "x"},
    )
    taken = paths(looking.look())
    assert {"files/Dockerfile", "files/tools/a/run"} <= taken
    assert "files/other" not in taken


def test_a_file_that_is_written_to_all_the_time_is_taken_as_it_was(looking: Looking) -> None:
    path = looking.root / "agents/dev/log"
    path.write_text("x" * 100)
    os.truncate(path, 50)
    [entry] = [entry for entry in looking.look().manifest.entries if entry.path.endswith("/log")]
    assert entry.size_bytes == 50


@pytest.mark.parametrize("name", ["config.toml", ".env.toml", "Dockerfile"])
def test_links_in_the_place_of_the_projects_files_are_errors(looking: Looking, name: str) -> None:
    (looking.root / name).unlink(missing_ok=True)
    (looking.root / name).symlink_to("/etc/hostname")
    live = looking.look()
    assert f"{name}: is a link" in live.errors[""].message
    assert f"files/{name}" not in paths(live)


def test_a_disk_without_room_is_told_as_one(looking: Looking, tmp_path: Path) -> None:
    with pytest.raises(FreeholdError) as raised:
        looking.scanner.scan({}, tmp_path / "not there", time.time_ns())
    assert raised.value.code is Code.DISK


def test_a_folder_that_cannot_be_read_is_the_agents_error(looking: Looking) -> None:
    write_files(looking.root, {"agents/ops/SKILL.md": "x", "agents/ops/.freeholdignore": "x" * 2000})
    live = looking.look()
    assert set(live.errors) == {"ops"}
    assert "files/agents/dev/SKILL.md" in paths(live)
    assert not {path for path in paths(live) if path.startswith("files/agents/ops/")}
