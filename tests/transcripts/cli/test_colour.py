"""Colours at a terminal, and none where somebody wants none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.folders import write_files
from tests.support.terminal import at_terminal

ESCAPE = "\x1b"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", {"config.toml": "", "agents/dev/SKILL.md": "Work.\n"})


COLOURED = [
    pytest.param(["agent", "list"], 0, "warning: ", id="a warning"),
    pytest.param(["run", "nobody"], 1, "error: ", id="an error"),
]


@pytest.mark.parametrize(("words", "code", "word"), COLOURED)
def test_no_color_is_heard(folder: Path, words: list[str], code: int, word: str) -> None:
    home = folder.parent / "home"
    plain = at_terminal(words, [], home=home, folder=folder)
    assert (plain[0], word in plain[1], ESCAPE in plain[1]) == (code, True, False)
    coloured = at_terminal(words, [], home=home, folder=folder, no_color="")
    assert (coloured[0], ESCAPE in coloured[1]) == (code, True)
