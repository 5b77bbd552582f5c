"""Deliveries of webhooks that were refused, in lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from freehold.base.plain_text import one_line
from freehold.base.words import plural
from freehold.cli.when import local_time
from freehold.wire.service import RefusedDeliveries

MOST_SHOWN = 10


def refused_lines(refused: Sequence[RefusedDeliveries]) -> Iterator[str]:
    """One for each source and reason, the latest first."""
    for one in refused[:MOST_SHOWN]:
        source = one_line(one.source) or "no such source"
        last = f"last at {local_time(one.last_at)}: {one_line(one.why)}"
        yield f"  {source}: {plural(one.count, 'time')} {one.reason}, {last}"
    if len(refused) > MOST_SHOWN:
        yield f"  and {plural(len(refused) - MOST_SHOWN, 'more reason')}"


def refused_in_short(refused: Iterable[RefusedDeliveries]) -> str:
    """`webhooks: refused 7 times since the start, last at … (github: not proven)`; empty when none was."""
    found = list(refused)
    if not found:
        return ""
    last = found[0]
    number = plural(sum(one.count for one in found), "time")
    why = f"{one_line(last.source)}: {last.reason}" if last.source else last.reason
    return f"webhooks: refused {number} since the start, last at {local_time(last.last_at)} ({why})"
