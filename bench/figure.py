"""What a measurement says, and how it is printed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`value` is ours, `control` what it is compared with in the same run (None: an absolute bound)."""

    name: str
    value: float
    unit: str
    how: str
    control: float | None = None
    control_name: str = ""
    at_most: float | None = None
    """The bound on value, or on the ratio where there is a control."""
    at_least: float | None = None
    note: str = ""
    worst: float | None = None
    """The worst of the rounds (or the best, where more is better); `value` is their median."""

    @property
    def ratio(self) -> float | None:
        return self.value / self.control if self.control else None

    @property
    def measured(self) -> float:
        return self.value if self.ratio is None else self.ratio

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None when there is none."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.measured <= self.at_most) and (
            self.at_least is None or self.measured >= self.at_least
        )


@dataclass(frozen=True)
class Missing:
    """A measurement that this machine cannot make, and why."""

    name: str
    why: str


class MissingError(Exception):
    """Why a measurement cannot be made on this machine."""


def medians(measures: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """Each measure's median over rounds in which all are taken in turn, so that a noisy moment hits them alike."""
    taken: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for number, measure in enumerate(measures):
            taken[number].append(measure())
    return [statistics.median(values) for values in taken]


def show(figures: Sequence[Figure | Missing]) -> None:
    for figure in figures:
        if isinstance(figure, Missing):
            print(f"  -  {figure.name}: not measured: {figure.why}")
        else:
            print(_line(figure))
            print(f"       {figure.how}" + (f"; {figure.note}" if figure.note else ""))


def _line(figure: Figure) -> str:
    mark = {True: "ok", False: "NO", None: "  "}[figure.met]
    text = f"  {mark} {figure.name}: {number(figure.value)} {figure.unit}"
    if figure.worst is not None:
        text += f" (worst {number(figure.worst)})"
    if figure.ratio is not None and figure.control is not None:
        text += f" = {figure.ratio:.2f} x {figure.control_name} ({number(figure.control)} {figure.unit})"
    unit = "" if figure.ratio is not None else f" {figure.unit}"
    if figure.at_most is not None:
        text += f"   aim: at most {number(figure.at_most)}{unit or ' x'}"
    if figure.at_least is not None:
        text += f"   aim: at least {number(figure.at_least)}{unit or ' x'}"
    return text


def number(value: float) -> str:
    """As a person reads it: three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
