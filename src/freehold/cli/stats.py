"""`freehold stats [AGENT]`: what agents cost and how they fared, day by day."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click
import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration, plural
from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import note, print_json, say, table
from freehold.client.gateway import in_path
from freehold.wire.service import AgentView

_SINCE = re.compile(r"([1-9]\d{0,4})([dw])")
_DAYS = {"d": 1, "w": 7}
MOST_DAYS = 3660


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent's runs used on one UTC day (`GET /usage`)."""

    day: str
    agent: str
    runs: int
    failed: int
    input: int
    output: int
    cache_read: int
    cache_write: int
    requests: int
    cost_usd: float
    duration_s: float

    @property
    def tokens(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write


@click.command(name="stats")
@click.argument("agent", default="")
@click.option("--since", default="7d", show_default=True, help="How far back, today included: 7d, 4w.")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="The newest lines alone [all].")
@click.pass_obj
def command(context: Context, agent: str, since: str, limit: int | None) -> None:
    """Show runs, failures, tokens and cost of each day (UTC) and agent; of AGENT alone when it is given."""
    gateway = gateway_of(context)
    days = gateway.get("/usage", list[Day], days=days_of(since), agent=agent)
    if agent and not days:  # one that is gone has its days still; one that never was has none, and that is told
        gateway.get(f"/agents/{in_path(agent)}", AgentView)
    newest = sorted(days, key=lambda day: (day.day, day.agent), reverse=True)[:limit]
    if context.json:
        for day in newest:
            print_json(day)
    elif not newest:
        say(f"Nothing ran in {since}." if not agent else f"{agent} did not run in {since}.")
    else:
        table(
            ["day", "agent", "runs", "failed", "took", "tokens", "cost"],
            [_row(day) for day in newest],
            [("took", None), ("tokens", None)],
        )
        if not context.quiet:
            note(total(newest))


def days_of(since: str) -> int:
    """Days of `7d` or `4w`. Raises USAGE."""
    match = _SINCE.fullmatch(since)
    days = int(match[1]) * _DAYS[match[2]] if match else 0
    if not 0 < days <= MOST_DAYS:
        raise FreeholdError(
            Code.USAGE, f'--since: "{since[:40]}" is no time', f"for example 7d or 4w, at most {MOST_DAYS}d"
        )
    return days


def total(days: Iterable[Day]) -> str:
    listed = list(days)
    runs, failed = sum(day.runs for day in listed), sum(day.failed for day in listed)
    cost = sum(day.cost_usd for day in listed)
    return f"{plural(runs, 'run')}, {failed} failed, {sum(day.tokens for day in listed):,} tokens, ${cost:.4f}"


def _row(day: Day) -> tuple[str, ...]:
    cost = f"${day.cost_usd:.4f}"
    return (day.day, day.agent, str(day.runs), str(day.failed), duration(day.duration_s), f"{day.tokens:,}", cost)
