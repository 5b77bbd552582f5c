"""`freehold start` on a terminal: it shows, obeys its keys, and gives the terminal back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import freehold
from tests.support.folders import one_agent, write_files
from tests.support.terminal import at_terminal

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    folder = write_files(tmp_path / "shop", one_agent())
    yield folder
    freehold("keeper", "stop", home=tmp_path / "home", project=folder)


def test_it_shows_and_obeys(project: Path) -> None:
    dialogue = [("q stop", "p"), ("paused; runs go on", "p"), ("resumed", "q")]
    code, shown = at_terminal(["start", "--port", "0"], dialogue, home=project.parent / "home", folder=project)
    assert code == 0
    assert shown.count(ENTER) == shown.count(LEAVE) == 1
    picture, after = shown.split(LEAVE)
    assert "shop" in picture
    assert "dev" in picture
    assert '"level"' not in shown
    assert "stopped; runs go on. The log is" in after
    assert '"msg": "an API key was made"' in (project / ".freehold" / "service.log").read_text()


def test_ctrl_c_ends_it(project: Path) -> None:
    code, shown = at_terminal(
        ["start", "--port", "0"], [("q stop", "\x03")], home=project.parent / "home", folder=project
    )
    assert code == 0
    assert shown.count(LEAVE) == 1


def test_what_keeps_it_from_starting_is_told_on_a_whole_terminal(project: Path) -> None:
    (project / "config.toml").write_text("port = \n")
    code, shown = at_terminal(["start"], [], home=project.parent / "home", folder=project)
    assert code == 3
    assert ENTER not in shown
    assert "error: 1 error in the configuration" in shown
