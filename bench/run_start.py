"""From the trigger to the runner's first event, and to the first request to a model, against a bare `docker run`."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time

from bench.docker import docker_problem
from bench.figure import Figure, Missing
from bench.project import BenchProject, bench_project
from bench.runs import Seen, run_to_its_end
from freehold.client.keeper import connected
from freehold.wire import events

ROUNDS = 7


def measure(rounds: int = ROUNDS) -> list[Figure | Missing]:
    if problem := docker_problem():
        return [Missing("run start", problem)]
    with bench_project() as project:
        return asyncio.run(_measure(project, rounds))


async def _measure(project: BenchProject, rounds: int) -> list[Figure | Missing]:
    cold = time.perf_counter()
    async with connected(project.root, project.home) as keeper:
        first = await run_to_its_end(keeper, "bench")  # builds what is missing
        cold_ms = (time.perf_counter() - cold) * 1000
        bare, runner, request, phases = [], [], [], []
        for _ in range(rounds):
            bare.append(_docker_run(_image(first)))
            seen = await run_to_its_end(keeper, "bench")
            runner.append(_first(seen, events.Testimony))
            request.append(_first(seen, events.ModelRequest))
            phases.append(_phases(seen))
        await keeper.stop_keeper()
    how = f"keeper running, image built; median of {rounds}, in turn with docker run"
    control, control_name = statistics.median(bare), "docker run --rm IMAGE true"
    where = f"by phase, in seconds: {phases[-1]}; the very first run, with the keeper's start: {cold_ms:.0f} ms"
    return [
        Figure("trigger to the runner's first event", statistics.median(runner), "ms", how, control, control_name,
               at_most=2.5, note=where),
        Figure("trigger to the builtin harness's first model request", statistics.median(request), "ms", how, control,
               control_name, at_most=8.0, note="aim: 3.5"),
    ]  # fmt: skip


def _first(seen: list[Seen], kind: type[events.Event]) -> float:
    return next(one.since_ms for one in seen if isinstance(one.event, kind))


def _image(seen: list[Seen]) -> str:
    return next(one.event.image for one in seen if isinstance(one.event, events.RunStarted))


def _phases(seen: list[Seen]) -> dict[str, float]:
    finished = seen[-1].event
    assert isinstance(finished, events.RunFinished)
    return {str(phase): took_s for phase, took_s in finished.phases_s.items()}


def _docker_run(image: str) -> float:
    started = time.perf_counter()
    subprocess.run(["docker", "run", "--rm", "--entrypoint", "true", image], check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000
