"""The first moments of a run: sealed, the brief read, the first event written; only then all else is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from freehold.base.errors import FreeholdError
from freehold.runner.event_file import EventFile
from freehold.runner.seal import seal
from freehold.wire import brief as briefs
from freehold.wire import places
from freehold.wire.exits import ExitCode


def start() -> int:
    """The exit code of the run; 13, and a word on standard error, without a seal or a brief to be read."""
    try:
        seal()
    except FreeholdError as error:
        sys.stderr.write(f"runner: {error.message}; {error.hint}\n")
        return ExitCode.CONFIGURATION
    run_dir = Path(os.environ.get(places.RUN_DIRECTORY_VARIABLE, places.RUN_DIRECTORY))
    try:
        brief = briefs.decode((run_dir / places.BRIEF_FILE).read_bytes())
        events = EventFile(run_dir / places.EVENTS_FILE, brief.run_id)
    except (OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"runner: {run_dir / places.BRIEF_FILE}: {error}\n")
        return ExitCode.CONFIGURATION
    events.log("info", "runner started")
    exit_code = _carry_out(brief, run_dir, events)
    events.close()
    return exit_code


def _carry_out(brief: briefs.Brief, run_dir: Path, events: EventFile) -> int:
    import asyncio

    from freehold.runner.run import Run

    async def story() -> int:
        return await Run(brief, run_dir, events).carry_out()

    return asyncio.run(story())
