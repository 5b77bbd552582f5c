"""TOML files as the user wrote them, with errors that name file, line and column."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from freehold.project.problems import Problems

LARGEST_FILE = 1024 * 1024
"""Bytes; a configuration file that is larger is taken for a mistake."""

_POSITION = re.compile(r"^(?P<what>.*?) \(at (?P<position>line \d+, column \d+|end of document)\)$", re.DOTALL)


def read_text(path: Path, name: str, problems: Problems) -> str | None:
    """The text of a file that the user wrote; None when it is missing, and when it cannot be read (then reported)."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        problems.error(name, "", f"cannot be read: {error.strerror or error}")
        return None
    if len(data) > LARGEST_FILE:
        problems.error(name, "", f"is larger than {LARGEST_FILE // 1024} kB; that is not a configuration file")
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
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _POSITION.match(str(error))
        message = f"{match['position']}: {_lowered(match['what'])}" if match else _lowered(str(error))
    except RecursionError:
        message = "is nested too deeply"
    problems.error(name, "", message)
    return {}


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
