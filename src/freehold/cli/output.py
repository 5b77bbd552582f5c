"""How commands speak: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import one_line, printable
from freehold.cli.table import Narrower, table_lines


@dataclass(frozen=True)
class Painted:
    """A text in a colour or weight: how `say` and `note` are given what `click.style` would make."""

    text: str
    style: dict[str, Any]


def paint(text: str, **style: Any) -> Painted:
    return Painted(text, style)


def say(*parts: str | Painted) -> None:
    """A result. What drives a terminal is taken out of the parts, whoever wrote it; only `paint` adds some."""
    click.echo("".join(map(_shown, parts)))


def note(*parts: str | Painted) -> None:
    """Progress and advice, as `say`: on standard error, so that results can be piped."""
    click.echo("".join(map(_shown, parts)), err=True)


def warn(text: str) -> None:
    click.echo(click.style("warning: ", fg="yellow", bold=True) + _indented(text), err=True)


def print_json(value: object) -> None:
    """One document on one line; structs, dataclasses and paths included."""
    click.echo(_as_json(value))


def json_line(data: bytes) -> str:
    """JSON without white space, as text for a terminal: what JSON need not escape and a terminal would obey or not show
    is escaped too."""
    text = data.decode().rstrip("\n")
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], narrower: Sequence[Narrower] = ()) -> None:
    """Columns as wide as their content; at a terminal as wide as that, by the steps of `narrower` (`cli/table.py`).

    The last column is not padded, so that it can be copied.
    """
    lines = [[one_line(str(cell)) for cell in row] for row in rows]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.echo("\n".join(table_lines(headers, lines, width, narrower)))  # each call is a write of its own


def confirm(question: str, *, yes: bool, no_input: bool = False, flag: str = "--yes") -> bool:
    """Ask, unless `yes`. Where nobody can answer, a `FreeholdError` names the flag that answers instead."""
    if yes:
        return True
    require_terminal(question, flag, no_input=no_input)
    return click.confirm(printable(question), default=False, err=True)


def require_terminal(question: str, flag: str, *, no_input: bool) -> None:
    """Raises USAGE where nobody can answer."""
    if no_input or not sys.stdin.isatty():
        raise FreeholdError(Code.USAGE, f"this needs an answer: {question}", f"give {flag} to agree")


def print_error(error: FreeholdError, *, as_json: bool) -> None:
    """The one place where a failure is shown to a person; what a stranger put into it is not obeyed by a terminal."""
    if as_json:
        click.echo(_as_json({"error": error.as_dict()}), err=True)
        return
    click.echo(click.style("error: ", fg="red", bold=True) + _indented(error.message), err=True)
    for line in printable(error.hint).splitlines():
        click.echo(f"  {line}", err=True)


def _as_json(value: object) -> str:
    try:
        return json_line(msgspec.json.encode(value, enc_hook=str))
    except UnicodeEncodeError:  # halves of characters stand for bytes in names of files that are no text
        return json.dumps(msgspec.to_builtins(value, enc_hook=str), separators=(",", ":"))


def _shown(part: str | Painted) -> str:
    return printable(part) if isinstance(part, str) else click.style(printable(part.text), **part.style)


def _indented(text: str) -> str:
    """Further lines stand below the first one, so that none can look like a line of its own."""
    first, *rest = printable(text).splitlines() or [""]
    return "\n".join([first, *(line if line.startswith("  ") or not line else f"  {line}" for line in rest)])
