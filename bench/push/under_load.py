"""What visitors of a server lose while it is pushed to ten times, and what becomes of a run that is under way."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable

import msgspec

from bench.figure import Figure, Missing, MissingError
from bench.peer.installation import NAME
from bench.push.peer import PORT, peer_on
from bench.push.server import Laptop, Server, laptop, servers
from bench.push.visitors import Visits

PUSHES, THEIR_PUSHES = 10, 3
CONNECTIONS = 16
RUN_S = 60
"""Longer than several pushes take, one with another program among them."""
_EDGE = 80


def measure() -> list[Figure | Missing]:
    try:
        with laptop() as ours, servers(ours) as [server]:
            ours.write_agent("long", f"sleep {RUN_S}\nfh return done\n")
            ours.push("-E", server.name)
            return _measure(ours, server)
    except MissingError as missing:
        return [Missing("a server that is pushed to under load", str(missing))]


def _measure(ours: Laptop, server: Server) -> list[Figure | Missing]:
    ours.says("run", "long", "-d", "-E", server.name)
    restarts = 0

    def push() -> None:
        nonlocal restarts
        for number in range(PUSHES):
            ours.edit_agent("bench", number)
            if number % 5 == 1:
                ours.edit_program(number)
            _, said = ours.push("-E", server.name)
            restarts += any(change["step"] == "restart" for change in said["changes"])

    visits = _visited(server, _EDGE, push)
    run = _ended(ours, server)
    how = f"{CONNECTIONS} connections that stay open, most of them with deliveries, through the edge"
    done = f"each push with an edited agent, {restarts} of them with another program, which restarts both services"
    return [
        Figure(
            f"requests lost during {PUSHES} pushes", visits.lost, f"of {visits.answered + visits.lost:,}", how,
            at_most=0, note=f"{done}; slowest answer {visits.worst_ms:,.0f} ms; lost: {visits.reasons or 'none'}",
        ),
        Figure(
            "the longest time in which nobody was answered", visits.away_s * 1000, "ms", how,
        ),
        Figure(
            "runs under way meanwhile that were interrupted", float(run != ("completed", 1)), "of 1",
            f"an agent that works for {RUN_S} s", at_most=0, note=f"it ended as {run[0]}, in its attempt {run[1]}",
        ),
        *_of_peer(ours, server),
    ]  # fmt: skip


def _of_peer(ours: Laptop, server: Server) -> list[Figure | Missing]:
    name = f"the same of {NAME}, {THEIR_PUSHES} pushes with nothing changed"
    try:
        theirs = peer_on(server, ours)
        visits = _visited(server, PORT, lambda: [theirs.push() for _ in range(THEIR_PUSHES)])
    except MissingError as missing:
        return [Missing(name, str(missing))]
    away = f"nobody was answered for {visits.away_s * 1000:,.0f} ms; lost: {visits.reasons}"
    return [Figure(name, visits.lost, f"lost of {visits.answered + visits.lost:,}", "without an edge", note=away)]


def _visited(server: Server, port: int, meanwhile: Callable[[], object]) -> Visits:
    words = [sys.executable, "-m", "bench.push.visitors", server.address, str(port), str(CONNECTIONS)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            meanwhile()
        finally:
            process.terminate()
            said, _ = process.communicate(timeout=60)
    return msgspec.json.decode(said, type=Visits)


def _ended(ours: Laptop, server: Server) -> tuple[str, int]:
    """How the run ended, and in which attempt."""
    deadline = time.monotonic() + RUN_S + 120
    while True:
        lines = ours.says("runs", "long", "--json", "-E", server.name).splitlines()
        run = json.loads(lines[0])
        if run["state"] == "finished" or time.monotonic() > deadline:
            return run["result"] or run["state"], run["attempt"]
        time.sleep(1)
