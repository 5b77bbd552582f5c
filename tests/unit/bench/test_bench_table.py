"""What was measured, put into the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.figure import Figure, Missing
from bench.table import write

TIMES = "\N{MULTIPLICATION SIGN}"
PAGE = """before
<!-- measured: one -->
| old |
<!-- end: one -->
between
<!-- measured: other -->
| kept |
<!-- end: other -->
"""


def test_a_table_takes_the_place_of_the_one_of_its_name(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    figures: list[Figure | Missing] = [
        Figure("start", 433.0, "ms", "how", 2395.0, "the peer", at_most=0.4, worst=1244.0),
        Figure("rate", 1490.0, "/s", "how", 866.0, "the peer", at_least=2.0),
        Figure("page", 75.5, "ms", "how", at_most=100),
        Missing("burst", "there is no npm"),
    ]
    for _ in range(2):  # again, it is the same
        write("one", figures, page)
    assert page.read_text().splitlines() == [
        "before",
        "<!-- measured: one -->",
        "| what | measured | control in the same run | aim |",
        "|---|---|---|---|",
        f"| start | 433 ms; worst 1,244 | 0.18 {TIMES} the peer (2,395 ms) | at most 0.4 {TIMES} |",
        f"| rate | 1,490 /s | 1.72 {TIMES} the peer (866 /s) | at least 2 {TIMES}: **not met** |",
        "| page | 75.5 ms |  | at most 100 ms |",
        "| burst | not measured: there is no npm | | |",
        "<!-- end: one -->",
        "between",
        "<!-- measured: other -->",
        "| kept |",
        "<!-- end: other -->",
    ]


def test_a_page_without_a_place_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    with pytest.raises(ValueError, match="no place for third"):
        write("third", [], page)


def test_the_page_of_the_docs_has_a_place_for_every_measurement() -> None:
    from bench.__main__ import MEASUREMENTS
    from bench.table import PAGE as DOCS

    told = DOCS.read_text()
    assert [name for name in MEASUREMENTS if f"<!-- measured: {name} -->" not in told] == []
