"""Which runs are not over: a mark each, so that a keeper that starts need not read all that ever were."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory, remove_leftovers, remove_tree
from freehold.keeper.history import RUNS, record_of, records
from freehold.keeper.record import RECORD_FILE, Record, Step

MARKS = "active"
"""In the project's state directory: an empty file a run, made before its record, removed after it is cleaned."""
_UNFINISHED_MARKS = "active.new"


def mark(state: Path, run_id: str) -> None:
    """The run is about to be recorded. On the disk when this returns. Raises OSError."""
    make_private_directory(state / MARKS)
    (state / MARKS / run_id).touch()
    _sync(state / MARKS)


def unmark(state: Path, run_id: str) -> None:
    """It is over, or was never recorded. A mark that stays costs the next keeper one look."""
    with contextlib.suppress(OSError):
        (state / MARKS / run_id).unlink()


def marked(state: Path) -> list[str]:
    """Every run that may not be over. Reads the records of all runs once, where an earlier version left no marks.

    Raises OSError when the marks cannot be made.
    """
    if not (state / MARKS).is_dir():
        _mark_all(state)
    return sorted(path.name for path in (state / MARKS).iterdir())


def unfinished(state: Path) -> list[Record]:
    """The records of the runs that are not over. Raises DISK."""
    try:
        names = marked(state)
    except OSError as error:
        raise FreeholdError(
            Code.DISK, f"{state / MARKS}: {error.strerror}", f"Make room on the disk that holds {state}."
        ) from error
    found = []
    for run_id in names:
        try:
            record = record_of(state, run_id)
        except FreeholdError:
            continue  # damaged, and told by `doctor`; its mark stays, so that what it staged is removed
        if record and record.step is not Step.CLEANED:
            found.append(record)
        else:
            if record is None:
                _remove_unborn(state, run_id)
            unmark(state, run_id)
    return found


def _remove_unborn(state: Path, run_id: str) -> None:
    """A keeper was killed before it had recorded the run: what it had made of its folder. Anything else there stays."""
    folder = state / RUNS / run_id
    with contextlib.suppress(OSError):
        remove_leftovers(folder / RECORD_FILE)
        folder.rmdir()


def _mark_all(state: Path) -> None:
    """All at once: killed in between, the next keeper begins anew."""
    new = state / _UNFINISHED_MARKS
    remove_tree(new)
    make_private_directory(new)
    for record in records(state):
        if record.step is not Step.CLEANED:
            (new / record.start.run_id).touch()
    _sync(new)
    new.rename(state / MARKS)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
