"""The first moments of a run: the brief read, the first event written, and only then everything else imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from freehold.runner.event_file import EventFile
from freehold.wire import brief as briefs
from freehold.wire import places
from freehold.wire.exits import ExitCode


def start() -> int:
    """The exit code of the run; 13 when there is no brief to be read, which is told on standard error."""
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
