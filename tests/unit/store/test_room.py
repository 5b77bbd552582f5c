from __future__ import annotations

from pathlib import Path

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.store.room import REMEMBERED_S, Room

FULL = FreeholdError(Code.DISK, "state.db: database or disk is full")


def test_a_write_that_found_no_room_is_told_until_one_goes_well() -> None:
    clock = FakeClock()
    room = Room(None, clock.monotonic)
    assert room.problem() == ""
    room.failed(FULL)
    assert room.problem() == FULL.message
    room.succeeded()
    assert room.problem() == ""


def test_and_not_for_ever() -> None:
    clock = FakeClock()
    room = Room(None, clock.monotonic)
    room.failed(FULL)
    clock.advance(REMEMBERED_S)
    assert room.problem() == ""


def test_another_failure_says_nothing_of_the_disk() -> None:
    room = Room(None)
    room.failed(FreeholdError(Code.UNREACHABLE, "it is locked"))
    assert room.problem() == ""


def test_a_folder_is_looked_at(tmp_path: Path) -> None:
    assert Room(tmp_path).problem() == ""  # there is room on the disk of tests
    assert Room(tmp_path / "gone").problem() == ""
