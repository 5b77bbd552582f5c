"""A program for servers, loaded here: its functions do on this machine what they would do there."""

from __future__ import annotations

from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.remote import program_text


def refused(code: str, message: str, hint: str = "") -> FreeholdError:
    return FreeholdError(Code(code), message, hint)


def remote_program(*names: str) -> dict[str, Any]:
    """Its globals. What it refuses is raised as the error that a caller far away would get."""
    room: dict[str, Any] = {"__name__": names[-1], "Refused": refused}
    exec(compile(program_text(*names), names[-1], "exec"), room)
    return room
