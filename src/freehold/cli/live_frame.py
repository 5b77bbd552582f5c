"""One picture of a running project, as large as the terminal: agents, runs, queue, what was said last (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from rich.console import Group
from rich.table import Table
from rich.text import Text

from freehold.base.ids import short
from freehold.base.plain_text import one_line
from freehold.base.words import duration, plural
from freehold.cli.agent_status import last_run, money, next_run, places, remark, starters
from freehold.wire.runs import RunView
from freehold.wire.service import AgentView, ProjectStatus

Shown = TypeVar("Shown")

KEYS = "q stop · p pause or resume"
_STATES = {"running": "green", "error": "red", "disabled": "yellow", "off": "yellow", "idle": ""}
_WIDE, _WIDER = 80, 110
"""Columns from which on there is room for more."""
_LEAST_FOR_RUNS = 3
_LEAST_FOR_AGENTS = 2
_MOST_PROBLEMS = 3
_LONGEST_NAME = 24


@dataclass(frozen=True)
class LiveRun:
    view: RunView
    words: str


@dataclass(frozen=True)
class Picture:
    """What is shown. `address` is where the gateway listens; `told` is said at the bottom, until something else is."""

    status: ProjectStatus
    runs: tuple[LiveRun, ...]
    address: str
    told: str = ""


def frame(picture: Picture, columns: int, rows: int, now: datetime) -> Group:
    """`rows` lines of at most `columns` characters; where there is no room for all, what is urgent comes first."""
    status = picture.status
    head = [*_head(picture), Text()]
    problems = [_cut(f"! {one_line(text.strip())}", "yellow") for text in status.problems[:_MOST_PROBLEMS]]
    left = max(0, rows - len(head) - len(problems) - 1)
    for_runs = min(2 * len(picture.runs) + 1, left // 2) if picture.runs else 0
    runs = [Text(), *_runs(picture.runs, for_runs - 1, now)] if for_runs >= _LEAST_FOR_RUNS else []
    agents, used = _agents(status.agents, columns, left - len(runs), now)
    foot = [Text() for _ in range(left - len(runs) - used)]
    keys = _cut(picture.told, "cyan") if picture.told else _cut(KEYS, "dim")
    return Group(*head[:rows], *agents, *runs, *problems, *foot, keys)


def _head(picture: Picture) -> list[Text]:
    status = picture.status
    title = _cut("", "")
    title.append(one_line(status.name), "bold")
    title.append("  paused" if status.paused else "  running", "yellow" if status.paused else "green")
    title.append(f"  {picture.address}", "dim")
    dead = f" · {plural(status.dead_letters, 'dead letter')}" if status.dead_letters else ""
    counts = f"{plural(status.running, 'run')} under way · {status.waiting} waiting{dead} · {money(status)}"
    held = [_cut(f"nothing begins: {one_line(status.held)}", "yellow")] if status.held and not status.paused else []
    return [title, _cut(counts, ""), *held]


def _agents(agents: list[AgentView], columns: int, rows: int, now: datetime) -> tuple[list[Table | Text], int]:
    """At most `rows` lines, and how many they are."""
    if rows < _LEAST_FOR_AGENTS:
        return [], 0
    if not agents:
        return [_cut("No agents yet. `freehold agent new NAME` makes one.", "dim")], 1
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", width=columns)
    for name, wanted, ratio in (
        ("agent", True, None),
        ("state", True, None),
        ("runs", True, None),
        ("waits", True, None),
        ("next", columns >= _WIDE, None),
        ("last run", columns >= _WIDE, None),
        ("started by", columns >= _WIDER, 2),
        ("says", True, 3),
    ):
        if wanted:
            table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=ratio)
    shown, rest = _first(sorted(agents, key=_urgency), rows - 1)
    for agent in shown:
        table.add_row(*_cells(agent, columns, now))
    if rest:
        table.add_row(Text(f"… {rest} more", "dim"))
    return [table], table.row_count + 1


def _cells(agent: AgentView, columns: int, now: datetime) -> list[Text]:
    cells = [
        Text(_short(agent.name), "bold"),
        Text(agent.state, _STATES.get(agent.state, "")),
        Text(places(agent)),
        Text(str(agent.waiting or "")),
    ]
    if columns >= _WIDE:
        cells += [Text(next_run(agent, now)), Text(last_run(agent, now), _style_of(agent))]
    if columns >= _WIDER:
        cells.append(Text(starters(agent), "dim"))
    return [*cells, Text(remark(agent), "red" if agent.error else "dim")]


def _runs(runs: tuple[LiveRun, ...], rows: int, now: datetime) -> list[Text]:
    shown, rest = _first(list(runs), rows // 2)
    lines: list[Text] = []
    for run in shown:
        view = run.view
        since = datetime.fromisoformat(view.started_at or view.queued_at)
        line = _cut("▸ ", "green")
        line.append(f"{view.agent} {short(view.run_id)}", "bold")
        line.append(f"  {view.state} {_lasted((now - since).total_seconds())}", "dim")
        line.append(f"  {view.trigger.type} {one_line(view.trigger.source)}".rstrip(), "dim")
        lines += [line, _cut(f"  {run.words or '…'}", "")]
    return [*lines, _cut(f"… {rest} more", "dim")] if rest else lines


def _lasted(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole} s" if whole < 60 else duration(whole)


def _urgency(agent: AgentView) -> tuple[bool, bool, str]:
    """Agents in trouble and at work first, where not all find a place."""
    return (not agent.error, not (agent.running or agent.waiting), agent.name)


def _first(items: list[Shown], most: int) -> tuple[list[Shown], int]:
    """The first ones, and how many are left; room is kept for a line that says so."""
    if len(items) <= most:
        return items, 0
    return items[: max(0, most - 1)], len(items) - max(0, most - 1)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _style_of(agent: AgentView) -> str:
    return "red" if agent.last_run and agent.last_run.result in ("error", "timeout", "lost", "budget") else ""


def _cut(text: str, style: str) -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")
