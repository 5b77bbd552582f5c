"""How commands speak: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click
import msgspec

from freehold.base.errors import Code, FreeholdError


def say(text: str = "") -> None:
    click.echo(text)


def note(text: str) -> None:
    """Progress and advice: on standard error, so that results can be piped."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    click.echo(click.style("warning: ", fg="yellow", bold=True) + text, err=True)


def print_json(value: object) -> None:
    """One document on one line; structs, dataclasses and paths included."""
    click.echo(msgspec.json.encode(value, enc_hook=str).decode())


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as their content; the last one is not padded, so that it can be copied."""
    lines = [[str(cell) for cell in row] for row in rows]
    widths = [max([len(header), *(len(line[column]) for line in lines)]) for column, header in enumerate(headers)]
    _print_row([header.upper() for header in headers], widths)
    for line in lines:
        _print_row(line, widths)


def _print_row(cells: Sequence[str], widths: Sequence[int]) -> None:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    click.echo("  ".join(padded).rstrip())


def confirm(question: str, *, yes: bool, no_input: bool = False, flag: str = "--yes") -> bool:
    """Ask, unless `yes`. Where nobody can answer, a `FreeholdError` names the flag that answers instead."""
    if yes:
        return True
    if no_input or not sys.stdin.isatty():
        raise FreeholdError(Code.USAGE, f"this needs an answer: {question}", f"give {flag} to agree")
    return click.confirm(question, default=False, err=True)


def print_error(error: FreeholdError, *, as_json: bool) -> None:
    """The one place where a failure is shown to a person."""
    if as_json:
        click.echo(msgspec.json.encode({"error": error.as_dict()}).decode(), err=True)
        return
    click.echo(click.style("error: ", fg="red", bold=True) + error.message, err=True)
    if error.hint:
        for line in error.hint.splitlines():
            click.echo(f"  {line}", err=True)
