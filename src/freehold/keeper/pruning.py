"""Removing the files of runs that are older than the project keeps its history."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import datetime
from itertools import islice
from pathlib import Path

from freehold.base.ids import ulid_milliseconds
from freehold.keeper.history import RUNS, each_run_id
from freehold.keeper.record import RECORD_FILE
from freehold.keeper.unfinished import MARKS


def prune(state: Path, before: str, held: Collection[str], limit: int) -> int:
    """Remove up to `limit` runs that were queued before the moment (RFC 3339), but for `held` and those that are not
    over; how many. One that cannot be removed is left.
    """
    moment = datetime.fromisoformat(before).timestamp() * 1000
    old = (run_id for run_id in each_run_id(state) if ulid_milliseconds(run_id[-26:]) < moment and run_id not in held)
    over = (run_id for run_id in old if not (state / MARKS / run_id).exists())
    return sum(_remove(state / RUNS / run_id) for run_id in list(islice(over, limit)))


def _remove(folder: Path) -> bool:
    try:
        (folder / RECORD_FILE).unlink(missing_ok=True)  # first: half a run is none
        shutil.rmtree(folder)
    except OSError:
        return False
    return True
