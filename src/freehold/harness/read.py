"""The tool `read`: lines of a text file, in portions that a model can take."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

from freehold.harness.tool import Place, ToolError, schema_of

MOST_LINES = 2000
LONGEST_LINE = 2000
LONGEST_TEXT = 50_000
_SAMPLE_BYTES = 8192


class Read:
    name = "read"
    description = (
        f"Read a text file, {MOST_LINES} lines at most from line `offset` (the first is 1) on. "
        f"Lines of more than {LONGEST_LINE} characters are cut."
    )
    schema = schema_of(
        {
            "path": {"type": "string"},
            "offset": {"type": "integer", "minimum": 1},
            "limit": {"type": "integer", "minimum": 1},
        },
        "path",
    )
    kind = "read"
    changes = False

    def title(self, arguments: dict[str, Any]) -> str:
        return f"Read {arguments.get('path', '')}"

    async def run(self, arguments: dict[str, Any], place: Place) -> str:
        path = place.file(str(arguments.get("path", "")))
        first = _number(arguments, "offset", 1)
        limit = min(_number(arguments, "limit", MOST_LINES), MOST_LINES)
        try:
            _refuse_binary(path)
            return _portion(path, first, limit)
        except OSError as error:
            raise ToolError(f"{path}: {error.strerror}") from error


def _portion(path: Path, first: int, limit: int) -> str:
    taken: list[str] = []
    size = 0
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for _ in range(first - 1):
            if not _line(file):
                return f"[the file has fewer than {first} lines]"
        line = _line(file)
        while line and len(taken) < limit and size + len(line) <= LONGEST_TEXT:
            taken.append(line)
            size += len(line)
            line = _line(file)
    if not taken:
        return "[the file is empty]" if first == 1 else f"[the file has fewer than {first} lines]"
    text = "".join(taken)
    if not line:
        return text
    last = first + len(taken) - 1
    return f"{text.rstrip()}\n[lines {first} to {last}; the file goes on: read with offset {last + 1}]"


def _line(file: TextIO) -> str:
    """The next line, cut when it is long; empty at the end. Never more than `LONGEST_LINE` characters are held."""
    line = file.readline(LONGEST_LINE)
    if not line or line.endswith("\n") or len(line) < LONGEST_LINE:
        return line
    cut = 0
    while (more := file.readline(LONGEST_LINE)) and not more.endswith("\n"):
        cut += len(more)
    return f"{line} [... {cut + len(more)} characters cut ...]\n" if cut + len(more) > 1 else line + more


def _refuse_binary(path: Path) -> None:
    with path.open("rb") as file:
        if b"\0" in file.read(_SAMPLE_BYTES):
            raise ToolError(f"{path} is a binary file of {path.stat().st_size} bytes")


def _number(arguments: dict[str, Any], name: str, default: int) -> int:
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 1:
        raise ToolError(f"`{name}` must be a whole number from 1 on")
    return int(value)
