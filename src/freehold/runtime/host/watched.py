"""What is known of a host-user run from its files: who watches over it, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.engine import Exit
from freehold.runtime.host.supervisor import boot_id, start_time, write

STATE_FILE, EXIT_FILE, PLAN_FILE = "state.json", "exit.json", "plan.json"
_KILLED = 137


@dataclass(frozen=True)
class Watched:
    """A run that was started. `supervisor` and `run` are process ids; with `started` and `boot` they are unique."""

    directory: Path
    supervisor: int
    started: int
    boot: str
    run: int

    @classmethod
    def load(cls, directory: Path) -> Watched | None:
        """None when the run was never started."""
        state = _read(directory / STATE_FILE)
        if state is None:
            return None
        return cls(directory, int(state["supervisor"]), int(state["started"]), str(state["boot"]), int(state["run"]))

    @property
    def running(self) -> bool:
        return not (self.directory / EXIT_FILE).exists() and self._supervised()

    def _supervised(self) -> bool:
        try:
            return self.boot == boot_id() and start_time(self.supervisor) == self.started
        except OSError:
            return False

    def signal(self, number: int) -> None:
        """Tell the supervisor; nothing when it is gone. The descriptor makes sure that it is no other process."""
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self.supervisor)
            try:
                if self._supervised():
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)

    async def until_gone(self) -> None:
        """Returns when the supervisor has ended; at once when it has already."""
        try:
            handle = os.pidfd_open(self.supervisor)
        except ProcessLookupError:
            return
        gone = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            if self._supervised():
                loop.add_reader(handle, gone.set)
                await gone.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)

    def exit(self) -> Exit | None:
        """How it ended; None while nobody wrote it down."""
        ended = _read(self.directory / EXIT_FILE)
        return None if ended is None else Exit(int(ended["code"]), output=str(ended["output"]))

    def write_lost(self) -> Exit:
        """Write down the end of a run whose supervisor could not."""
        restarted = self.boot != boot_id()
        why = "The machine was restarted" if restarted else "The run's supervisor was ended from outside"
        output = f"{why} while the run was under way."
        write(self.directory / EXIT_FILE, {"code": _KILLED, "output": output})
        return Exit(_KILLED, output=output)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FreeholdError(Code.INTERNAL, f"{path}: {error}", f"Remove {path.parent} if no run needs it.") from error
    return content
