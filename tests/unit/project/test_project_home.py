from __future__ import annotations

from pathlib import Path

import pytest

from freehold.project.home import environment_names, freehold_home
from tests.support.folders import write_files


def test_the_home_is_chosen_by_variable_else_below_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert freehold_home({"HOME": "/home/ann"}) == Path("/home/ann/.freehold")
    assert freehold_home({"HOME": "/home/ann", "FREEHOLD_HOME": ""}) == Path("/home/ann/.freehold")
    assert freehold_home({"HOME": "/home/ann", "FREEHOLD_HOME": "/srv/freehold"}) == Path("/srv/freehold")
    assert freehold_home({"FREEHOLD_HOME": "here"}) == tmp_path / "here"


def test_environments_are_files(tmp_path: Path) -> None:
    assert environment_names(tmp_path) == []
    write_files(tmp_path / "environments", {"prod.toml": "", "box.toml": "", "notes.txt": ""})
    assert environment_names(tmp_path) == ["box", "prod"]
