"""The record of what was spent survives crashes, other processes and its own damage."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.models.ledger import Ledger
from freehold.models.spend import Amount, Book, Hold

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


def ledger_at(folder: Path) -> Ledger:
    return Ledger(folder / "spend.json", FakeClock(NOW))


def add_one(book: Book) -> Book:
    hold = Hold("dev-1", "dev", "2026-11-21", Amount(1))
    return book.with_hold("h", hold).settled("h", Amount(1))


def _add_many(folder: Path, count: int) -> None:
    for _ in range(count):
        ledger_at(folder).change(add_one)


def _hold_and_die(folder: Path) -> None:
    hold = Hold("dev-1", "dev", "2026-11-21", Amount(7))
    ledger_at(folder).change(lambda book: book.with_hold("h", hold))
    os.kill(os.getpid(), signal.SIGKILL)


def test_it_starts_empty_and_keeps_what_is_written(tmp_path: Path) -> None:
    assert ledger_at(tmp_path).read() == Book()
    ledger_at(tmp_path).change(add_one)
    assert ledger_at(tmp_path).read().of_run("dev-1") == Amount(1)
    assert (tmp_path / "spend.json").stat().st_mode & 0o777 == 0o600
    assert ledger_at(tmp_path).today() == "2026-11-21"


def test_what_a_writer_left_that_was_killed_is_removed(tmp_path: Path) -> None:
    ledger_at(tmp_path).change(add_one)
    left = tmp_path / ".spend.json.ab_d1234"
    left.write_text("{")
    ledger_at(tmp_path).close_dead_runs({"dev-1"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".spend.json.lock", "spend.json"]


def test_processes_do_not_overwrite_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_many, args=(tmp_path, 25)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ledger_at(tmp_path).read().of_run("dev-1") == Amount(75)


def test_what_was_set_aside_outlives_sigkill(tmp_path: Path) -> None:
    worker = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(tmp_path,))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    book = ledger_at(tmp_path).change(lambda book: book.recovered("dev-1"))
    assert (book.of_run("dev-1"), book.holds) == (Amount(7), {})


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"days": 5}', b"\x00" * 40, b'{"version": "1"}'])
def test_a_damaged_file_is_an_error_and_stays_as_it_is(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "spend.json").write_bytes(data)
    with pytest.raises(FreeholdError, match=r"spend\.json") as failure:
        ledger_at(tmp_path).change(add_one)
    assert failure.value.code is Code.CONFIG
    assert "repair" in failure.value.hint
    assert (tmp_path / "spend.json").read_bytes() == data


def test_a_file_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "spend.json").write_text('{"version": 2}')
    with pytest.raises(FreeholdError, match="newer Freehold"):
        ledger_at(tmp_path).change(add_one)


def test_a_decision_that_fails_changes_nothing(tmp_path: Path) -> None:
    ledger_at(tmp_path).change(add_one)
    before = (tmp_path / "spend.json").read_bytes()

    def fail(book: Book) -> Book:
        raise FreeholdError(Code.BUDGET, "no")

    with pytest.raises(FreeholdError):
        ledger_at(tmp_path).change(fail)
    assert (tmp_path / "spend.json").read_bytes() == before
    ledger_at(tmp_path).change(add_one)  # and the lock is free again


def test_a_disk_that_does_not_take_it_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(FreeholdError) as failure:
        ledger_at(tmp_path / "gone").change(add_one)
    assert failure.value.code is Code.DISK


def test_days_are_forgotten_after_a_month(tmp_path: Path) -> None:
    old = Hold("dev-1", "dev", "2026-10-01", Amount(3))
    ledger_at(tmp_path).change(lambda book: book.with_hold("h", old).settled("h", Amount(3)))
    ledger_at(tmp_path).change(add_one)
    assert list(json.loads((tmp_path / "spend.json").read_bytes())["days"]) == ["2026-11-21"]
