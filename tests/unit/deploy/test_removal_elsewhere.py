"""A teardown where projects lie beside other people's folders: only what is ours is seen, and goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from freehold.deploy.remote import program_text

PROGRAM: dict[str, Any] = {"__name__": "removal"}
exec(program_text("removal"), PROGRAM)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Beside a project of ours, `www` and `programs/theirs` are somebody else's."""
    for path, text in {
        "shop/releases/01jd/.freehold/release.json": "{}",
        "begun/push.lease": "{}",
        "www/releases/index.html": "precious",
        "programs/abc/program.json": "{}",
        "programs/theirs/precious": "",
        "programs/.incoming-1/x": "",
    }.items():
        (tmp_path / "srv" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "srv" / path).write_text(text)
    return tmp_path / "srv"


def document(base: Path, *, others_beside: bool = True) -> dict[str, Any]:
    return {
        "base": str(base), "state": str(base.parent / "state"), "programs": "programs", "not_projects": ["programs"],
        "fragments": str(base.parent / "none"), "certificates": str(base.parent / "none"),
        "others_beside": others_beside,
    }  # fmt: skip


@pytest.mark.parametrize(("others_beside", "found"), [(True, {"shop", "begun"}), (False, {"shop", "begun", "www"})])
def test_what_is_a_project(base: Path, others_beside: bool, found: set[str]) -> None:
    assert {name for name, _ in PROGRAM["_folders"](document(base, others_beside=others_beside))} == found


@pytest.mark.parametrize("name", ["shop", "www"])
def test_a_folder_that_is_somebody_elses_stays(base: Path, name: str) -> None:
    assert PROGRAM["is_ours"](base / name, document(base)) is (name == "shop")


def test_a_program_that_a_neighbour_can_go_back_to_stays(base: Path) -> None:
    (base / "shop/releases/01jd/.freehold/release.json").write_text('{"program": "abc"}')
    assert PROGRAM["programs_gone"](document(base)) == []
    assert (base / "programs/abc/program.json").exists()


def test_programs_that_are_somebody_elses_stay(base: Path) -> None:
    assert PROGRAM["programs_gone"](document(base)) == []
    assert [path.name for path in (base / "programs").iterdir()] == ["theirs"]
    assert (base / "www/releases/index.html").read_text() == "precious"
