"""The one error class, and the codes that decide what a caller sees."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """What kind of failure this is; exit codes and HTTP statuses are derived from it, never from a text."""

    FAILED = "failed"
    USAGE = "usage"
    CONFIG = "config"
    CREDENTIAL = "credential"
    UNREACHABLE = "unreachable"
    UNHEALTHY = "unhealthy"
    INTERRUPTED = "interrupted"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    DENIED = "denied"
    UNAUTHENTICATED = "unauthenticated"
    BUSY = "busy"
    BUDGET = "budget"
    TIMEOUT = "timeout"
    REQUEST_TIMEOUT = "request_timeout"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    MISDIRECTED = "misdirected"
    OUTDATED = "outdated"
    NO_SCHEDULER = "no_scheduler"
    IMAGE = "image"
    OUT_OF_MEMORY = "out_of_memory"
    DISK = "disk"
    HARNESS = "harness"
    HOOK = "hook"
    REHEARSAL = "rehearsal"
    UPSTREAM = "upstream"
    PROTOCOL = "protocol"
    INTERNAL = "internal"


EXIT_CODES: dict[Code, int] = {
    Code.USAGE: 2,
    Code.CONFIG: 3,
    Code.CREDENTIAL: 4,
    Code.UNREACHABLE: 5,
    Code.UNHEALTHY: 6,
    Code.INTERRUPTED: 130,
}
"""Exit codes of the command line (`docs/interfaces.md`, "Errors"); everything else that fails is 1."""

HTTP_STATUSES: dict[Code, int] = {
    Code.USAGE: 400,
    Code.CONFIG: 400,
    Code.PROTOCOL: 400,
    Code.BUDGET: 402,
    Code.UNAUTHENTICATED: 401,
    Code.DENIED: 403,
    Code.CREDENTIAL: 403,
    Code.NOT_FOUND: 404,
    Code.REQUEST_TIMEOUT: 408,
    Code.CONFLICT: 409,
    Code.TOO_LARGE: 413,
    Code.MISDIRECTED: 421,
    Code.OUTDATED: 426,
    Code.RATE_LIMITED: 429,
    Code.BUSY: 429,
    Code.UPSTREAM: 502,
    Code.UNREACHABLE: 502,
    Code.NO_SCHEDULER: 503,
    Code.OVERLOADED: 503,
    Code.TIMEOUT: 504,
}
"""Statuses of the run API (`docs/interfaces.md`, "Errors"); everything else is 500."""


class FreeholdError(Exception):
    """A failure told to a person: what happened, where, and what to do next.

    `message` says what happened and where (file and key path, host, unit, run); `hint` says what to do.
    Neither ever contains a secret.
    """

    def __init__(self, code: Code, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    @property
    def exit_code(self) -> int:
        return EXIT_CODES.get(self.code, 1)

    @property
    def http_status(self) -> int:
        return HTTP_STATUSES.get(self.code, 500)

    def as_dict(self) -> dict[str, Any]:
        """The body of an error answer: `{code, message, hint}`."""
        return {"code": str(self.code), "message": self.message, "hint": self.hint}
