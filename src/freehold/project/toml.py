"""TOML files as the user wrote them, with errors that name file, line and column."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from freehold.base.plain_file import read_plain
from freehold.project.problems import Problems

LARGEST_FILE = 256 * 1024
"""Bytes; a file that is larger is taken for a mistake. One full of mistakes takes seconds to tell of."""
_MOST_PARTS = 500
"""Of a dotted key, `a.b.c`: what the standard library needs for one grows with their square."""

_BETWEEN_KEYS = re.compile(r"[\n=,{}\[\]]")
_POSITION = re.compile(r"^(?P<what>.*?) \(at (?P<position>line \d+, column \d+|end of document)\)$", re.DOTALL)


def read_text(path: Path, name: str, problems: Problems) -> str | None:
    """The text of a file of a project; None when it is missing, and when it cannot be read (then reported).

    Links are not followed: what they lead to may lie outside of the project.
    """
    try:
        data = read_plain(path, LARGEST_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        problems.error(name, "", f"cannot be read: {error.strerror or error}")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problems.error(name, "", f"line {line}: is not UTF-8 text")
        return None


def read_toml(path: Path, name: str, problems: Problems) -> dict[str, Any]:
    """The table in `path`; empty when the file is missing, and when it is broken (then reported)."""
    text = read_text(path, name, problems)
    return {} if text is None else parse_toml(text, name, problems)


def parse_toml(text: str, name: str, problems: Problems) -> dict[str, Any]:
    if any(piece.count(".") > _MOST_PARTS for piece in _BETWEEN_KEYS.split(text)):
        problems.error(name, "", f"a key has more than {_MOST_PARTS} parts")
        return {}
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _POSITION.match(str(error))
        message = f"{match['position']}: {_lowered(match['what'])}" if match else _lowered(str(error))
    except RecursionError:
        message = "is nested too deeply"
    except ValueError as error:  # a number of thousands of digits
        message = _lowered(str(error))
    else:
        if not _has_large_number(table):
            return table
        message = "a number has more than 64 bits"
    problems.error(name, "", message)
    return {}


def _has_large_number(value: object) -> bool:
    """Whether there is one that TOML does not know (v1.0.0, "Integer"), nor JSON's readers, nor Python's `str`."""
    if isinstance(value, dict):
        return any(map(_has_large_number, value.values()))
    if isinstance(value, list):
        return any(map(_has_large_number, value))
    return isinstance(value, int) and value.bit_length() > 64


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
