"""Whether waiting for a lock would never end: a cycle in the wait-for graph. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def cycle(run_id: str, uri: str, holders: Mapping[str, str], waits: Iterable[tuple[str, str]]) -> list[str]:
    """The way from `run_id`, which asks for `uri`, back to itself: run, resource, run, …, run; empty without one.

    `holders` says which run holds a resource, `waits` which run asks for which resource and has not got it.
    """
    asked: dict[str, list[str]] = {}
    for waiting, wanted in waits:
        asked.setdefault(waiting, []).append(wanted)
    ways = [[run_id, uri]]
    seen = {uri}
    while ways:
        way = ways.pop()
        holder = holders.get(way[-1])
        if holder is None:
            continue
        if holder == run_id:
            return [*way, run_id]
        for wanted in asked.get(holder, []):
            if wanted not in seen:
                seen.add(wanted)
                ways.append([*way, holder, wanted])
    return []
