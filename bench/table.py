"""What was measured, as tables in `docs/bench.md`: one for each measurement, between marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.figure import Figure, Missing, number

PAGE = Path(__file__).parents[1] / "docs" / "bench.md"
_TIMES = "\N{MULTIPLICATION SIGN}"
_HEAD = ("| what | measured | control in the same run | aim |", "|---|---|---|---|")


def write(name: str, figures: Sequence[Figure | Missing], page: Path = PAGE) -> None:
    """Put the table of the measurement `name` in the place of the one that is there. A row that could not be measured
    says so. Raises `ValueError` when the page has no place for it.
    """
    begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} has no place for {name}: {begin} and {end}")
    table = "\n".join([*_HEAD, *(_row(figure) for figure in figures)])
    page.write_text(f"{before}{begin}\n{table}\n{end}{after}")


def _row(figure: Figure | Missing) -> str:
    if isinstance(figure, Missing):
        return f"| {figure.name} | not measured: {figure.why} | | |"
    worst = f"; worst {number(figure.worst)}" if figure.worst is not None else ""
    control = ""
    if figure.ratio is not None and figure.control is not None:
        control = f"{figure.ratio:.2f} {_TIMES} {figure.control_name} ({number(figure.control)} {figure.unit})"
    return f"| {figure.name} | {number(figure.value)} {figure.unit}{worst} | {control} | {_aim(figure)} |"


def _aim(figure: Figure) -> str:
    unit = _TIMES if figure.ratio is not None else figure.unit
    bounds = (("at most", figure.at_most), ("at least", figure.at_least))
    words = " and ".join(f"{word} {number(bound)} {unit}" for word, bound in bounds if bound is not None)
    return f"{words}: **not met**" if figure.met is False else words
