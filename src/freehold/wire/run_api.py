"""Bodies of the run API on `run.sock`, and how its answers become exit codes in the container."""

from __future__ import annotations

from typing import Any

import msgspec

LONGEST_RETURN = 64 * 1024
"""Characters of a return value; more is refused with 413, never cut in silence."""


class SetStatus(msgspec.Struct, frozen=True):
    text: str


class SetReturn(msgspec.Struct, frozen=True):
    value: str


class Exit(msgspec.Struct, frozen=True):
    """`fh exit [code]`: end the run with this exit code."""

    code: int = 15


class Shutdown(msgspec.Struct, frozen=True):
    """`fh shutdown [reason]`: the agent saw something wrong; the run ends at once as `killed`."""

    reason: str = ""


class LockRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    uri: str
    ttl_s: int | None = None


class CallRequest(msgspec.Struct, frozen=True):
    agent: str
    context: str = ""


class ErrorBody(msgspec.Struct, frozen=True):
    code: str
    message: str
    hint: str = ""


class Accepted(msgspec.Struct, frozen=True):
    ok: bool = True
    detail: dict[str, Any] | None = None


EXIT_OF_STATUS: dict[int, int] = {
    200: 0, 202: 0, 409: 1, 404: 2, 403: 3, 400: 4, 413: 4, 503: 5, 502: 10, 504: 11, 500: 12,
}  # fmt: skip
EXIT_UNREACHABLE = 6
EXIT_OTHER = 7
EXIT_WAIT_TIMEOUT = 8
EXIT_USAGE = 9
"""Exit codes of the in-container commands (reference, Action Llama §6.4)."""


class ExitCode:
    """What the runner's exit code means (reference, Action Llama §6.3)."""

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
