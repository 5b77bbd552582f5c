from __future__ import annotations

from datetime import UTC, datetime

import pytest

from freehold.console import figures

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0.0 s"), (0.44, "0.4 s"), (12.9, "12 s"), (185, "3 min 5 s"), (3600, "1 h"), (7800, "2 h 10 min"),
     (90_061, "1 d 1 h"), (3_605, "1 h 5 s")],
)  # fmt: skip
def test_durations(seconds: float, shown: str) -> None:
    assert figures.duration(seconds) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("2026-11-21T12:00:00.500Z", "now"), ("2026-11-21T11:59:55Z", "5 s ago"), ("2026-11-21T11:55:59Z", "4 min ago"),
     ("2026-11-21T14:00:01Z", "in 2 h"), ("2026-11-23T08:00:01Z", "in 1 d 20 h"),
     ("2026-11-11T12:00:00Z", "10 d ago"), ("soon", "soon"),
     ("2026-11-21T12:00:00", "2026-11-21T12:00:00")],
)  # fmt: skip
def test_how_long_ago(text: str, shown: str) -> None:
    assert figures.relative(text, NOW) == shown


@pytest.mark.parametrize(
    ("amount", "shown"), [(None, "unknown"), (0.0, "$0.00"), (0.0123, "$0.0123"), (31.7, "$31.70")]
)
def test_money(amount: float | None, shown: str) -> None:
    assert figures.usd(amount) == shown


@pytest.mark.parametrize(("number", "shown"), [(950, "950"), (12_400, "12.4 k"), (3_100_000, "3.1 M")])
def test_counts(number: int, shown: str) -> None:
    assert figures.count(number) == shown


def test_spans() -> None:
    assert figures.span(None, None, NOW) == ""
    assert figures.span("2026-11-21T11:59:00Z", None, NOW) == "1 min"
    assert figures.span("2026-11-21T11:59:00Z", "2026-11-21T11:59:30Z", NOW) == "30 s"
    assert figures.size(950) == "950 B"
    assert figures.size(48_000) == "48.0 kB"
