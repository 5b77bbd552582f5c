"""Where a project's state lies, and what the project is called on its host."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.project.load import load_project, unique_name_of
from freehold.project.state import PLACED_NAME, STATE_PLACE, state_directory


def project_in(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.toml").write_text("")
    return folder


def test_it_lies_in_the_projects_folder(tmp_path: Path) -> None:
    assert state_directory(tmp_path) == tmp_path / ".freehold"


def test_on_a_server_its_units_say_where_it_lies_and_what_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = project_in(tmp_path / "one"), project_in(tmp_path / "other")
    assert unique_name_of(one) != unique_name_of(other)
    monkeypatch.setenv(STATE_PLACE, str(tmp_path / "state"))
    monkeypatch.setenv(PLACED_NAME, "shop")
    for release in (one, other):
        loaded = load_project(release, home=tmp_path / "home")
        assert (loaded.unique_name, loaded.state_dir) == ("shop", tmp_path / "state")
        assert unique_name_of(release) == "shop"
