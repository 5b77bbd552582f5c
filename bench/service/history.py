"""What a long past costs: a thousand agents and a million runs, against the aims and against an empty project."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.figure import Figure, Missing, MissingError
from bench.project import REHEARSAL, BenchProject, bench_project
from bench.service.both import our_service, ready
from bench.service.filler import fill, now
from bench.service.tick import Tick, tick
from freehold.project.state import STATE_DIRECTORY
from freehold.wire.service import GATEWAY_SOCKET

AGENTS, RUNS = 1000, 1_000_000
ROUNDS = 15
SETTLE_S = 5.0
ROOM_BYTES = 6 * 1024**3
_PROGRAM = Path(sys.executable).parent / "freehold"


def measure() -> list[Figure | Missing]:
    if shutil.disk_usage(tempfile.gettempdir()).free < ROOM_BYTES:
        return [Missing("a long past", f"there are no {ROOM_BYTES // 1024**3} GB free in {tempfile.gettempdir()}")]
    try:
        with bench_project() as empty, bench_project() as full:
            return _measure(empty, full)
    except MissingError as missing:
        return [Missing("a long past", str(missing))]


def _measure(empty: BenchProject, full: BenchProject) -> list[Figure | Missing]:
    nothing = _weigh(empty)
    _fill(full)
    ticks = asyncio.run(tick(full))
    with our_service(full, "--web") as served:
        served.start()
        ready(served)
        status = [_took_ms(lambda: _status(full)) for _ in range(ROUNDS + 1)][1:]
        page = [_took_ms(lambda: _page(full, "/runs")) for _ in range(ROUNDS + 1)][1:]
        older = [_took_ms(partial(_page, full, f"/runs?agent=agent-{number:04d}")) for number in range(ROUNDS)]
        time.sleep(SETTLE_S)
        memory = served.own_memory_mb()
    return _figures(ticks, status, page, older, memory, nothing)


def _figures(
    ticks: Tick, status: list[float], page: list[float], older: list[float], memory: float, nothing: float
) -> list[Figure | Missing]:
    there = f"{AGENTS:,} agents and {RUNS:,} past runs in SQLite"
    deciding = f"{there}; {ticks.waiting:,} triggers wait, every agent has a place; what is due is looked for as well"
    often = f"{there}; median of {ROUNDS}"
    return [
        Figure("one tick of the scheduler, wall clock", ticks.wall_ms, "ms", deciding, at_most=10,
               worst=ticks.worst_ms),
        Figure("one tick of the scheduler, processor", ticks.processor_ms, "ms", deciding, at_most=10),
        Figure("`freehold status`, whole command", statistics.median(status), "ms", often, at_most=150,
               worst=max(status)),
        Figure("the console's page of runs", statistics.median(page), "ms", often, at_most=100, worst=max(page)),
        Figure("the same of one agent", statistics.median(older), "ms", often, at_most=100, worst=max(older)),
        Figure("memory of the service", memory, "MB", f"PSS of `freehold start --web` after those pages; {there}",
               nothing, "an empty project", at_most=1.3),
    ]  # fmt: skip


def _weigh(empty: BenchProject) -> float:
    """The service's memory with one agent and no run, after it did the same."""
    for _ in range(2):  # the first start makes the database
        with our_service(empty, "--web") as served:
            served.start()
            ready(served)
            for _ in range(ROUNDS):
                _status(empty)
                _page(empty, "/runs")
            time.sleep(SETTLE_S)
            memory = served.own_memory_mb()
    return memory


def _fill(full: BenchProject) -> None:
    shutil.rmtree(full.root / "agents")
    for number in range(AGENTS):
        name = f"agent-{number:04d}"
        schedule = f'models = ["rehearsed"]\nschedule = "{number % 60} {number % 24} * * *"\nscale = 2\n'
        skill = f"---\nname: {name}\ndescription: Measures.\n---\nSay hello, number {number}.\n"
        full.write_agent(name, {"SKILL.md": skill, "config.toml": schedule, "rehearsal.yaml": REHEARSAL})
    with our_service(full) as served:
        served.start()
        ready(served)
    print(f"  writing {RUNS:,} runs into the database, about 40 s", flush=True)
    fill(full.root / STATE_DIRECTORY / "state.db", agents=AGENTS, runs=RUNS, now=now())


def _took_ms(what: Callable[[], None]) -> float:
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1000


def _status(project: BenchProject) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [str(_PROGRAM), "-p", str(project.root), "status"]
    done = subprocess.run(
        command, env={**environment, "FREEHOLD_HOME": str(project.home)}, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise MissingError(f"freehold status: {done.stderr.strip()[-300:]}")


def _page(project: BenchProject, path: str) -> None:
    """Over the socket of this user, who needs no key."""
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(project.root / STATE_DIRECTORY / GATEWAY_SOCKET))
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.read()
    if answer.status != 200 or b"</html>" not in said:
        raise MissingError(f"{path} answered {answer.status}: {said[:300]!r}")
