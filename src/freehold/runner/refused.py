"""What a harness's refusal means: the gateway's own words where it passes them on, and the fitting exit code."""

from __future__ import annotations

from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.base.excerpt import excerpt
from freehold.wire.acp_peer import CallRefusedError
from freehold.wire.exits import ExitCode

_LONGEST = 2000
_EXIT_CODES = {
    Code.CREDENTIAL: ExitCode.AUTHENTICATION,
    Code.DENIED: ExitCode.PERMISSION,
    Code.RATE_LIMITED: ExitCode.RATE_LIMITED,
    Code.CONFIG: ExitCode.CONFIGURATION,
}


class RefusedError(FreeholdError):
    """The harness answered that it cannot or will not; it is there, and may be asked for something else."""


def as_failure(name: str, refused: CallRefusedError) -> RefusedError:
    """The error in the refusal's data (our own harness puts one there), else one with the harness's words."""
    error = refused.error
    data: Any = error.data
    if isinstance(data, dict) and isinstance(data.get("code"), str) and data["code"] in set(Code):
        return RefusedError(Code(data["code"]), str(data.get("message", error.message)), str(data.get("hint", "")))
    details = _details(data)
    said = error.message if not details or details in error.message else f"{error.message}: {details}"
    return RefusedError(
        Code.HARNESS,
        f"harness {name} refused `{refused.method}`: {excerpt(said, _LONGEST)}",
        "freehold logs RUN shows what came before",
    )


def exit_code_of(error: FreeholdError) -> int:
    return _EXIT_CODES.get(error.code, ExitCode.ERROR)


def _details(data: Any) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, dict):
        for key in ("details", "message", "error", "reason"):
            if isinstance(data.get(key), str):
                return str(data[key])
    return ""
