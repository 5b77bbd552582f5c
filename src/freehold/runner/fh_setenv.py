"""`fh setenv`: variables that the following commands see. In a shell of the run, `setenv` is a function around it."""

from __future__ import annotations

import os
import re
import sys

from freehold.runner.fh_request import UsageError

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def setenv(arguments: list[str]) -> int:
    """NAME VALUE pairs, appended to the run's env file as exports; the word `setenv` between pairs is passed over."""
    path = os.environ.get("FREEHOLD_ENV_FILE") or os.environ.get("AL_ENV_FILE")
    if not path:
        raise UsageError("there is no FREEHOLD_ENV_FILE: setenv works in the shells of a run")
    pairs = _pairs(arguments)
    lines = "".join(f"export {name}={_quoted(value)}\n" for name, value in pairs)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, lines.encode("utf-8", "surrogateescape"))
    finally:
        os.close(handle)
    sys.stdout.write(f"set {len(pairs)} variable(s)\n")
    return 0


def _pairs(arguments: list[str]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    rest = list(arguments)
    while rest:
        if rest[0] == "setenv" and len(rest) % 2 == 1:
            rest.pop(0)
            continue
        if len(rest) < 2:
            raise UsageError(f"{rest[0]} has no value: fh setenv NAME VALUE")
        name, value, *rest = rest
        if not _NAME.match(name):
            raise UsageError(f"{name!r} is no name of a variable")
        if "\0" in value:
            raise UsageError(f"the value of {name} holds a zero byte")
        pairs.append((name, value))
    if not pairs:
        raise UsageError("fh setenv NAME VALUE [NAME VALUE ...]")
    return pairs


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
