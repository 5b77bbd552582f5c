"""Tables that fit the terminal: what a column may lose is said by whoever knows what it means (pure)."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

Narrower = tuple[str, Callable[[str], str] | None]
"""One step: the column of that header says the same in shorter words, or (None) is left out."""

_GAP = 2
_NARROWEST = 12
"""Columns below which prose is not squeezed: a word a line is no text any more."""


def table_lines(
    headers: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, narrower: Sequence[Narrower] = ()
) -> list[str]:
    """The lines of a table, each column as wide as its content. `width` None: however wide that is.

    Else the steps of `narrower` are taken in their order until it fits; then prose (cells of three words or more, never
    in the first column) goes on in further lines. What is wider all the same stays whole: a name that was cut could not
    be copied.
    """
    columns = [[header.upper(), *(row[number] for row in rows)] for number, header in enumerate(headers)]
    names = list(headers)
    for name, shorter in narrower:
        if width is None or _width(columns) <= width:
            break
        place = names.index(name)
        if shorter:
            columns[place] = [columns[place][0], *map(shorter, columns[place][1:])]
        else:
            del columns[place], names[place]
    widths = list(map(_widest, columns))
    if width is not None:
        _squeeze(columns, widths, width)
    return [line for cells in zip(*columns, strict=True) for line in _row(cells, widths)]


def _widest(column: Sequence[str]) -> int:
    return max(map(len, column))


def _width(columns: Sequence[Sequence[str]]) -> int:
    return sum(map(_widest, columns)) + _GAP * (len(columns) - 1)


def _squeeze(columns: Sequence[Sequence[str]], widths: list[int], width: int) -> None:
    """Narrow the widest prose first, as far as it is needed and can be read."""
    prose = [place for place, column in enumerate(columns) if place and any(cell.count(" ") > 1 for cell in column[1:])]
    for place in sorted(prose, key=lambda place: -widths[place]):
        excess = sum(widths) + _GAP * (len(widths) - 1) - width
        if excess > 0:
            longest_word = max(len(word) for cell in columns[place] for word in cell.split() or [""])
            widths[place] = max(widths[place] - excess, min(max(_NARROWEST, longest_word), widths[place]))


def _row(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    parts = [
        [cell] if len(cell) <= width else textwrap.wrap(cell, width, break_long_words=False, break_on_hyphens=False)
        for cell, width in zip(cells, widths, strict=True)
    ]
    lines = []
    for number in range(max(map(len, parts))):
        line = [
            (part[number] if number < len(part) else "").ljust(width) for part, width in zip(parts, widths, strict=True)
        ]
        lines.append((" " * _GAP).join(line).rstrip())
    return lines
