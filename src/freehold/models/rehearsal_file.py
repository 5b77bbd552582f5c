"""`rehearsal.yaml`: what a model would say, written down (`docs/interfaces.md`, "rehearsal.yaml")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_file import read_plain
from freehold.base.safe_yaml import YamlProblemError, load_yaml
from freehold.base.words import did_you_mean, one_of

FILE_NAME = "rehearsal.yaml"
VERSION = 1
LARGEST_FILE = 1024 * 1024
"""Bytes; reading as many takes some seconds."""

_TURN_KEYS = ("say", "shell", "write", "expect")
_WRITE_KEYS = ("path", "content")


@dataclass(frozen=True)
class FileToWrite:
    """`path` is relative to the agent's working directory, or absolute."""

    path: str
    content: str


@dataclass(frozen=True)
class Turn:
    """What one request is answered with: a text, and at most one call of a tool."""

    say: str = ""
    shell: str = ""
    write: FileToWrite | None = None
    expect: re.Pattern[str] | None = None
    """Searched for in what the tool returned."""

    @property
    def calls_tool(self) -> bool:
        return bool(self.shell) or self.write is not None


@dataclass(frozen=True)
class Script:
    turns: tuple[Turn, ...]


def read_script(path: Path) -> Script:
    """The rehearsal in a file. Raises `FreeholdError` (`CONFIG`) with file, and line and column or key path."""
    try:
        text = read_plain(path, LARGEST_FILE).decode("utf-8")
    except FileNotFoundError:
        raise FreeholdError(
            Code.CONFIG, f"{path}: there is no rehearsal",
            "write one (docs/rehearsals.md), or record a real run: freehold run AGENT --record",
        ) from None  # fmt: skip
    except (OSError, UnicodeDecodeError) as error:
        raise FreeholdError(Code.CONFIG, f"{path}: cannot be read ({error})") from None
    return parse_script(text, str(path))


def parse_script(text: str, source: str) -> Script:
    """The rehearsal in a text; `source` is how errors call it."""
    table = _load(text, source)
    if not isinstance(table, dict):
        raise _wrong(source, "", 'must be a table with "version" and "turns"')
    _only(source, "", table, ("version", "turns"))
    if table.get("version") != VERSION:
        raise _wrong(source, "version", f"must be {VERSION}")
    turns = table.get("turns")
    if not isinstance(turns, list) or not turns:
        raise _wrong(source, "turns", "must be a list with at least one turn")
    return Script(tuple(_turn(source, f"turns[{index}]", turn) for index, turn in enumerate(turns)))


def _load(text: str, source: str) -> Any:
    try:
        return load_yaml(text)
    except YamlProblemError as error:
        where = f":{error.line}:{error.column}" if error.line else ""
        raise FreeholdError(Code.CONFIG, f"{source}{where}: {error}") from None


def _turn(source: str, path: str, table: object) -> Turn:
    if not isinstance(table, dict):
        raise _wrong(source, path, "must be a table with say, shell, write or expect")
    _only(source, path, table, _TURN_KEYS)
    say, shell = (_text(source, f"{path}.{key}", table.get(key, "")) for key in ("say", "shell"))
    write = _write(source, f"{path}.write", table["write"]) if "write" in table else None
    if shell and write:
        raise _wrong(source, path, "has both shell and write: make two turns of it")
    if not (say or shell or write):
        raise _wrong(source, path, "says and does nothing: give it say, shell or write")
    turn = Turn(say, shell, write, _expect(source, f"{path}.expect", table.get("expect")))
    if turn.expect and not turn.calls_tool:
        raise _wrong(
            source, f"{path}.expect", "needs a shell or write in the same turn: it looks at what that returned"
        )
    return turn


def _write(source: str, path: str, table: object) -> FileToWrite:
    if not isinstance(table, dict):
        raise _wrong(source, path, "must be a table with path and content")
    _only(source, path, table, _WRITE_KEYS)
    name = _text(source, f"{path}.path", table.get("path"))
    if not name or "\0" in name:
        raise _wrong(source, f"{path}.path", "must name a file")
    return FileToWrite(name, _text(source, f"{path}.content", table.get("content", "")))


def _expect(source: str, path: str, value: object) -> re.Pattern[str] | None:
    if value is None:
        return None
    try:
        return re.compile(_text(source, path, value), re.MULTILINE)
    except re.error as error:
        raise _wrong(source, path, f"is no regular expression: {error}") from None


def _text(source: str, path: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(source, path, "must be a text (put it in quotes)")
    return value


def _only(source: str, path: str, table: dict[Any, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            where = f"{path}.{key}" if path else str(key)
            raise _wrong(
                source, where, f"is not known {did_you_mean(str(key), known)}".rstrip(), f"known: {one_of(known)}"
            )


def _wrong(source: str, path: str, what: str, hint: str = "") -> FreeholdError:
    return FreeholdError(Code.CONFIG, f"{source}: {path + ' ' if path else ''}{what}", hint)
