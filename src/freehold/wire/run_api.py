"""Bodies of the run API on `run.sock`, and how its answers become exit codes in the container."""

from __future__ import annotations

from typing import Any

import msgspec

from freehold.wire.exits import EXIT_OF_STATUS, EXIT_OTHER, EXIT_UNREACHABLE, EXIT_USAGE, EXIT_WAIT_TIMEOUT, ExitCode

__all__ = [  # what lives in `exits`, so that `fh` need not wait for msgspec, and is asked for here as well
    "EXIT_OF_STATUS", "EXIT_OTHER", "EXIT_UNREACHABLE", "EXIT_USAGE", "EXIT_WAIT_TIMEOUT", "ExitCode",
]  # fmt: skip

LONGEST_RETURN = 64 * 1024
"""Characters of a return value; more is refused with 413, never cut in silence."""


LONGEST_CONTEXT = 64 * 1024
"""Characters that a call tells the agent which it calls; as with a return value, more is refused with 413."""


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


class HeldLock(msgspec.Struct, frozen=True):
    """`expires_at` is RFC 3339; a heartbeat moves it."""

    uri: str
    expires_at: str


class CallRequest(msgspec.Struct, frozen=True):
    agent: str
    context: str = ""


class CallStarted(msgspec.Struct, frozen=True):
    call_id: str


class CallView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`status` is `pending`, `running`, `completed` or `error`."""

    call_id: str
    status: str
    return_value: str | None = None
    error: str = ""


class ErrorBody(msgspec.Struct, frozen=True):
    code: str
    message: str
    hint: str = ""


class Accepted(msgspec.Struct, frozen=True):
    ok: bool = True
    detail: dict[str, Any] | None = None
