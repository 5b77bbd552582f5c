"""What is told of a release that is not well: `look` of a server, done on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.remote_program import remote_program

HEALTH = remote_program("health")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Of a project that does not answer. `journalctl` says what it was asked for; the release counts since 2000.5."""
    program = tmp_path / "bin/journalctl"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    link = tmp_path / "current"
    link.symlink_to("releases/a")
    os.utime(link, (2000.5, 2000.5), follow_symlinks=False)
    return {
        "socket": str(tmp_path / "none"), "keeper_socket": "", "units": ["a.service", "b.service"], "release": "",
        "current": str(link), "edge": [], "for_s": 0.0, "restarts": {}, "journal": True, "since": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("began", "since"),
    [(0.0, "@2000.500000"), (1000.0, "@2000.500000"), (3000.25, "@3000.250000")],
    ids=["a rollback", "a new release", "the release that was there, put right"],
)
def test_the_journal_is_told_from_then_on(asked: dict[str, Any], began: float, since: str) -> None:
    said = HEALTH["main"]({**asked, "since": began})["journal"]
    assert said[said.index("--since") + 1] == since
    assert said[-4:] == ["-u", "a.service", "-u", "b.service"]


def test_without_a_release_all_of_it_counts(asked: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "current").unlink()
    assert "@0.000000" in HEALTH["main"](asked)["journal"]


def test_a_look_says_what_time_it_is_there(asked: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "now").touch()
    assert HEALTH["read"](asked)["now"] >= (tmp_path / "now").stat().st_mtime - 0.01
