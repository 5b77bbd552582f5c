"""The measurements work: what they say is for `make bench`, on a quiet machine."""

from __future__ import annotations

import pytest
from bench import command_line, memory, run_start
from bench.figure import Figure, Missing

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]


def measured(figures: list[Figure | Missing]) -> dict[str, float]:
    assert [figure for figure in figures if isinstance(figure, Missing)] == []
    return {figure.name: figure.value for figure in figures if isinstance(figure, Figure)}


def test_the_start_of_a_run_is_measured(base_image: str) -> None:
    figures = measured(run_start.measure(rounds=1))
    first, request = figures.values()
    assert 0 < first < request


def test_memory_is_measured(base_image: str) -> None:
    runner, both = measured(memory.measure()).values()
    assert 0 < runner < both


def test_the_command_line_is_measured() -> None:
    absolute, *_ = command_line.measure()
    assert isinstance(absolute, Figure)
    assert absolute.value > 0
