"""`run.json`: what a keeper must know of a run after it died itself."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import write_atomically
from freehold.keeper.chat_record import ChatRecord
from freehold.keeper.outcome import Stop
from freehold.wire.runs import RunError, RunState, RunView, StartRun

RECORD_FILE = "run.json"


class Step(StrEnum):
    """How far the keeper has come with a run, in order; written before the step's work begins.

    Killed at any of them, the next keeper goes on from there (`keeper/adopt.py`). Each has a fault case in
    `tests/real/keeper/test_keeper_killed.py`, and a test that fails when one has not.
    """

    QUEUED = "queued"
    IMAGE = "image"
    CREDENTIALS = "credentials"
    DIRECTORY = "directory"
    SOCKET = "socket"
    CONTAINER = "container"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    CLEANED = "cleaned"


class Moment(StrEnum):
    """On which side of writing a step down something happens."""

    BEFORE = "before"
    AFTER = "after"


BEFORE_CONTAINER = frozenset({Step.QUEUED, Step.IMAGE, Step.CREDENTIALS, Step.DIRECTORY, Step.SOCKET})
"""The engine does not know of the run yet."""


class Record(msgspec.Struct, kw_only=True):
    """The file's content. `view` is what people see; the rest is for the next keeper."""

    v: int = 1
    view: RunView
    start: StartRun
    project: str = ""
    """What its containers are named and labelled by, whatever the configuration says later."""
    step: Step = Step.QUEUED
    slot: int | None = None
    """The place it holds among its agent's runs; None while it waits for one."""
    container_started_at: str = ""
    timeout_s: int = 0
    memory_bytes: int = 0
    stop: Stop | None = None
    conclusion: RunError | None = None
    rerun_requested: bool = False
    chat: ChatRecord | None = None
    """None for a run that is no chat."""
    adoptions: int = 0
    """How often a keeper took this run over."""
    adopted_at: str = ""
    """When that was the last time."""
    hasty_adoptions: int = 0
    """Of them, those in a row before which the keeper did not last; a run that kills every keeper is given up."""


class RecordFile:
    """Keeps a `Record` in memory and on disk; the file is always whole."""

    def __init__(self, path: Path, record: Record) -> None:
        self.path = path
        self.record = record

    @classmethod
    def load(cls, path: Path) -> RecordFile:
        """Raises `FreeholdError(INTERNAL)` naming the file when it is not a record."""
        try:
            return cls(path, msgspec.json.decode(path.read_bytes(), type=Record))
        except (OSError, msgspec.DecodeError) as error:
            raise FreeholdError(
                Code.INTERNAL,
                f"{path}: not readable as a run's record: {error}",
                f"Remove {path.parent} if the run is of no interest.",
            ) from error

    def save(self) -> None:
        """Raises `FreeholdError(DISK)`."""
        try:
            write_atomically(self.path, msgspec.json.format(msgspec.json.encode(self.record), indent=1))
        except OSError as error:
            raise FreeholdError(
                Code.DISK, f"{self.path}: {error.strerror}", f"Make room on the disk that holds {self.path.parent}."
            ) from error

    def show(self, **changes: object) -> None:
        """Change what people see of the run."""
        self.record.view = msgspec.structs.replace(self.record.view, **changes)

    @property
    def finished(self) -> bool:
        return self.record.view.state is RunState.FINISHED
