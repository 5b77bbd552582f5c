"""The entry point of every agent's image (`places.RUNNER_COMMAND`): PID 1 of a container, or a process of host-user."""

from __future__ import annotations

import sys


def main() -> int:
    """Carry out the run whose directory `FREEHOLD_RUN_DIR` names; the exit code is `ExitCode`'s."""
    # msgspec prefers typing_extensions where it is installed (the harness brings it), and needs none of it from
    # Python 3.11 on: without it the runner starts 8 ms earlier and is 1.6 MB smaller.
    sys.modules.setdefault("typing_extensions", None)  # type: ignore[arg-type]
    from freehold.runner.start import start

    return start()


if __name__ == "__main__":
    sys.exit(main())
