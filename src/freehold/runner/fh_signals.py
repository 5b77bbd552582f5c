"""`fh status`, `return`, `rerun`, `exit`, `shutdown`: what a run says about itself."""

from __future__ import annotations

import sys

from freehold.runner.fh_request import UsageError, request, show


def status(arguments: list[str]) -> int:
    if not arguments:
        raise UsageError('say what you are doing: fh status "reading the issue"')
    return show(request("POST", "/v1/run/status", {"text": " ".join(arguments)}))


def return_value(arguments: list[str]) -> int:
    """A value given as arguments, else standard input, whole and unchanged but for its last newline."""
    value = " ".join(arguments) if arguments else read_standard_input("the value to return")
    return show(request("POST", "/v1/run/return", {"value": value}))


def rerun(arguments: list[str]) -> int:
    _expect_none(arguments, "fh rerun")
    return show(request("POST", "/v1/run/rerun"))


def exit_run(arguments: list[str]) -> int:
    code = arguments[0] if arguments else "15"
    if len(arguments) > 1 or not code.isdecimal() or int(code) > 255:
        raise UsageError("an exit code is a number from 0 to 255: fh exit 15")
    return show(request("POST", "/v1/run/exit", {"code": int(code)}))


def shutdown(arguments: list[str]) -> int:
    return show(request("POST", "/v1/run/shutdown", {"reason": " ".join(arguments)}))


def read_standard_input(what: str) -> str:
    """What is piped in. Raises `UsageError` at a terminal, where nobody would know what is waited for."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(f"{what} is missing: give it as an argument or on standard input")
    return sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n")


def _expect_none(arguments: list[str], usage: str) -> None:
    if arguments:
        raise UsageError(f"there is nothing to add: {usage}")
