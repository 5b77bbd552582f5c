"""The picture of a running project, at every size of a terminal."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from freehold.cli.live_frame import KEYS, LiveRun, Picture, frame
from freehold.wire.service import ProjectStatus
from tests.support.service_words import agent_view, project_status, run_view

NOW = datetime(2026, 11, 21, 9, 1, 30, tzinfo=UTC)
ADDRESS = "http://127.0.0.1:8080"


def drawn(picture: Picture, columns: int = 100, rows: int = 24) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=columns, height=rows, color_system=None)
    console.print(frame(picture, columns, rows, NOW))
    return out.getvalue().splitlines()


def picture(status: ProjectStatus, runs: int = 0, told: str = "") -> Picture:
    views = [run_view(f"dev-01jd000000000000000000000{at}", result=None) for at in range(runs)]
    return Picture(status, tuple(LiveRun(view, "reading the history") for view in views), ADDRESS, told)


BUSY = project_status(
    *(agent_view(f"agent-{at:02}") for at in range(40)),
    agent_view("broken", state="error", error="2 errors in the configuration\n  agents/broken: no model"),
    agent_view("worker", state="running", running=1),
    held="the day's budget is spent",
    problems=("one", "two\x1b[2J", "three", "four"),
)


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 120, 250])
@pytest.mark.parametrize("rows", [8, 10, 16, 24, 60])
@pytest.mark.parametrize("runs", [0, 1, 9])
def test_it_fits(columns: int, rows: int, runs: int) -> None:
    lines = drawn(picture(BUSY, runs), columns, rows)
    assert len(lines) == rows
    assert max(map(len, lines)) <= columns
    assert lines[-1].startswith("q stop")
    assert lines[0].startswith("shop")
    assert "\x1b" not in "".join(lines)


def test_what_is_urgent_comes_first() -> None:
    lines = drawn(picture(BUSY, 1))
    assert lines[2] == "nothing begins: the day's budget is spent"
    assert lines[5].startswith("broken")
    assert "agents/broken: no model" in lines[5]
    shown = "\n".join(lines)
    assert "▸ dev 00000000  running 1 min 29 s  schedule 0 * * * *" in shown
    assert "  reading the history" in shown
    assert "… " in shown
    assert "! three" in shown


def test_there_is_room_for_more_on_a_wide_terminal() -> None:
    status = project_status(agent_view())
    assert "started by" not in drawn(picture(status), 80)[3]
    assert "next" not in drawn(picture(status), 60)[3]
    wide = drawn(picture(status), 120)
    assert "started by" in wide[3]
    assert "schedule 0 * * * *" in wide[4]


def test_it_says_what_was_done() -> None:
    status = project_status(paused=True, held="paused")
    lines = drawn(picture(status, told="paused; runs go on"))
    assert lines[0].startswith("shop  paused")
    assert "No agents yet" in lines[3]
    assert lines[-1] == "paused; runs go on"
    assert KEYS not in lines
