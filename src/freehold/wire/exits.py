"""Exit codes inside a container. Plain words: `fh` imports them at every call and must not wait for more."""

from __future__ import annotations

from typing import Final

EXIT_OF_STATUS: Final[dict[int, int]] = {
    200: 0, 202: 0, 409: 1, 404: 2, 403: 3, 400: 4, 413: 4, 503: 5, 502: 10, 504: 11, 500: 12,
}  # fmt: skip
EXIT_UNREACHABLE: Final = 6
EXIT_OTHER: Final = 7
EXIT_WAIT_TIMEOUT: Final = 8
EXIT_USAGE: Final = 9
"""Exit codes of the in-container commands (the same as Action Llama's; `docs/interfaces.md`, "fh")."""


class ExitCode:
    """What the runner's exit code means (the same as Action Llama's; `docs/runs.md`, "Results")."""

    OK = 0
    ERROR = 1
    AUTHENTICATION = 10
    PERMISSION = 11
    RATE_LIMITED = 12
    CONFIGURATION = 13
    MISSING_DEPENDENCY = 14
    UNRECOVERABLE = 15
    ABORTED = 16
    RERUN = 42
    TIMEOUT = 124
    KILLED = 137
    TERMINATED = 143
