"""A state that came with a project is told from one that was made here."""

from __future__ import annotations

import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.store.state_mark import KEY_FILE, MARK_FILE, claim_state, is_of_another_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "project" / ".freehold"


def refused(state: Path, home: Path) -> FreeholdError:
    with pytest.raises(FreeholdError) as caught:
        claim_state(state, home)
    assert caught.value.code is Code.DENIED
    assert str(state) in caught.value.message
    assert f"rm -r {state}" in caught.value.hint
    return caught.value


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_state_is_made_private_and_stays_ours(state: Path, home: Path) -> None:
    claim_state(state, home)
    (state / "runs").mkdir()
    claim_state(state, home)
    assert (mode(state), mode(state / MARK_FILE), mode(home / KEY_FILE)) == (0o700, 0o600, 0o600)


def test_a_state_that_came_with_the_project_is_refused_and_left_alone(state: Path, home: Path) -> None:
    (state / "runs").mkdir(parents=True)
    assert "came with the project" in refused(state, home).message
    assert sorted(entry.name for entry in state.iterdir()) == ["runs"]


def test_the_home_itself_is_nobodys_state_and_nobody_is_told_to_remove_it(tmp_path: Path) -> None:
    home = tmp_path / ".freehold"
    (home / "credentials").mkdir(parents=True)
    with pytest.raises(FreeholdError) as caught:
        claim_state(tmp_path / ".freehold", home)
    assert "where your credentials are" in caught.value.message
    assert "rm " not in caught.value.hint
    assert sorted(entry.name for entry in home.iterdir()) == ["credentials"]


def test_another_homes_mark_is_none(state: Path, home: Path, tmp_path: Path) -> None:
    claim_state(state, tmp_path / "strangers-home")
    refused(state, home)


@pytest.mark.parametrize("text", ["", "abc", "abc def", "é", "x" * 1000])
def test_a_mark_that_says_something_else_is_none(state: Path, home: Path, text: str) -> None:
    claim_state(state, home)
    (state / MARK_FILE).write_text(text)
    (state / MARK_FILE).chmod(0o600)
    refused(state, home)


def test_a_mark_with_the_mode_of_a_checkout_is_none(state: Path, home: Path) -> None:
    claim_state(state, home)
    (state / MARK_FILE).chmod(0o644)
    refused(state, home)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_mark_must_be_a_file(state: Path, home: Path, kind: str) -> None:
    claim_state(state, home)
    mark = state / MARK_FILE
    mark.rename(state / "elsewhere")
    if kind == "link":
        mark.symlink_to("elsewhere")
    elif kind == "pipe":
        os.mkfifo(mark, 0o600)
    else:
        mark.mkdir(mode=0o700)
    refused(state, home)


def test_a_link_in_its_place_is_refused(state: Path, home: Path, tmp_path: Path) -> None:
    claim_state(tmp_path / "other" / ".freehold", home)
    state.parent.mkdir()
    state.symlink_to(tmp_path / "other" / ".freehold")
    assert "is a link" in refused(state, home).message


def test_a_log_alone_is_no_state_yet(state: Path, home: Path) -> None:
    state.mkdir(parents=True)
    (state / "keeper.log").write_text("a keeper was killed as soon as it was started")
    (state / f".{MARK_FILE}.x1").write_text("torn")
    claim_state(state, home)


def test_a_log_that_leads_elsewhere_is_refused(state: Path, home: Path, tmp_path: Path) -> None:
    state.mkdir(parents=True)
    (state / "keeper.log").symlink_to(tmp_path / "precious")
    refused(state, home)


def test_it_may_move_with_its_project(state: Path, home: Path) -> None:
    claim_state(state, home)
    moved = state.parent.with_name("moved")
    shutil.move(state.parent, moved)
    claim_state(moved / ".freehold", home)


def test_a_damaged_key_is_told(state: Path, home: Path) -> None:
    home.mkdir()
    (home / KEY_FILE).write_bytes(b"short")
    with pytest.raises(FreeholdError, match="damaged"):
        claim_state(state, home)


def test_all_who_come_at_the_same_moment_may_stay(tmp_path: Path) -> None:
    def claim(number: int, barrier: Barrier) -> None:
        barrier.wait()
        claim_state(tmp_path / f"{number}", tmp_path / "home")
        (tmp_path / f"{number}" / "keeper.lock").touch()

    with ThreadPoolExecutor(8) as pool:
        for number in range(60):
            barrier = Barrier(8)
            for claimed in [pool.submit(claim, number, barrier) for _ in range(8)]:
                claimed.result()


def test_another_home_is_told_from_the_one_that_made_it(state: Path, home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert not is_of_another_home(state, home), "nobody made it yet"
    claim_state(state, home)
    assert not is_of_another_home(state, home)
    assert is_of_another_home(state, other)
    assert not other.exists(), "asking makes no key"
    claim_state(tmp_path / "second" / ".freehold", other)
    assert is_of_another_home(state, other)
