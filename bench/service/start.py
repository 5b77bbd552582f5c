"""How soon a service answers, and what it takes while nothing happens, beside the peer in turn."""

from __future__ import annotations

import statistics
import time

from bench.figure import Figure, Missing, MissingError
from bench.peer.installation import NAME
from bench.service.both import our_project, our_service, peer_service, ready
from bench.service.served import Served

ROUNDS = 5
SETTLE_S = 4.0
"""Idle: so long after it was ready, what starting took is given back."""


def measure() -> list[Figure | Missing]:
    try:
        with our_project() as project, our_service(project) as ours, peer_service() as theirs:
            return _measure(ours, theirs)
    except MissingError as missing:
        return [Missing("start and memory of a service", str(missing))]


def _measure(ours: Served, theirs: Served) -> list[Figure | Missing]:
    for served in (ours, theirs):  # the first start makes a database; it is not the one that is repeated
        served.start()
        _ready(served, ours)
        served.stop()
    answered: dict[Served, list[float]] = {ours: [], theirs: []}
    weighed: dict[Served, list[float]] = {ours: [], theirs: []}
    open_s = []
    for _ in range(ROUNDS):
        for served in (ours, theirs):
            began = time.perf_counter()
            answered[served].append(served.start())
            _ready(served, ours)
            if served is ours:
                open_s.append(time.perf_counter() - began)
            time.sleep(SETTLE_S)
            weighed[served].append(served.memory_mb())
            served.stop()
    how = f"median of {ROUNDS}, in turn; one agent, a database that was made before"
    opened = f"the project is open after {statistics.median(open_s) * 1000:,.0f} ms, until then it says `starting`"
    return [
        Figure(
            "`start` to the first `GET /health` that is answered with 200", statistics.median(answered[ours]) * 1000,
            "ms", how, statistics.median(answered[theirs]) * 1000, NAME, at_most=0.4, note=opened,
            worst=max(answered[ours]) * 1000,
        ),
        Figure(
            "memory while nothing happens, gateway, scheduler and keeper together", statistics.median(weighed[ours]),
            "MB", f"PSS of all processes, {SETTLE_S:g} s after the start; {how}", statistics.median(weighed[theirs]),
            NAME, at_most=0.6, worst=max(weighed[ours]),
        ),
    ]  # fmt: skip


def _ready(served: Served, ours: Served) -> None:
    if served is ours:
        ready(served)
