"""From the trigger to the runner's first event, and to the first request to a model, against a bare `docker run`."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from dataclasses import dataclass, field

from bench.docker import docker_problem
from bench.figure import Figure, Missing
from bench.project import BenchProject, bench_project
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.client.keeper import KeeperConnection, connected
from freehold.wire import events
from freehold.wire.keeper import AttachRun
from freehold.wire.runs import RunView, StartRun

ROUNDS = 7
_HOW = f"keeper running, image built; median of {ROUNDS}, in turn with docker run"


def measure() -> list[Figure | Missing]:
    if problem := docker_problem():
        return [Missing("run start", problem)]
    with bench_project() as project:
        return asyncio.run(_measure(project))


@dataclass
class _Seen:
    """Milliseconds since the trigger."""

    image: str = ""
    runner: float = 0.0
    request: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)


async def _measure(project: BenchProject) -> list[Figure | Missing]:
    cold = time.perf_counter()
    async with connected(project.root, project.home) as keeper:
        first = await _run(keeper)  # builds what is missing
        cold_ms = (time.perf_counter() - cold) * 1000
        bare, runner, request, phases = [], [], [], []
        for _ in range(ROUNDS):
            bare.append(_docker_run(first.image))
            seen = await _run(keeper)
            runner.append(seen.runner)
            request.append(seen.request)
            phases.append(seen.phases)
        await keeper.call("keeper/stop", {}, type(None))
    control, control_name = statistics.median(bare), "docker run --rm IMAGE true"
    where = f"by phase, in seconds: {phases[-1]}; the very first run, with the keeper's start: {cold_ms:.0f} ms"
    return [
        Figure("trigger to the runner's first event", statistics.median(runner), "ms", _HOW, control, control_name,
               at_most=2.5, note=where),
        Figure("trigger to the builtin harness's first model request", statistics.median(request), "ms", _HOW, control,
               control_name, at_most=8.0, note="aim: 3.5"),
    ]  # fmt: skip


async def _run(keeper: KeeperConnection) -> _Seen:
    """One run; milliseconds to what is waited for."""
    started = time.perf_counter()
    run_id = str(new_run_id("bench"))
    await keeper.call("run/start", StartRun(run_id, "bench"), RunView)
    await keeper.call("run/attach", AttachRun(run_id), RunView)
    seen = _Seen()
    async for method, params in keeper.notices():
        if method != "run/event":
            continue
        event = events.decode(bytes(params))
        if event.run_id != run_id:
            continue
        since_ms = (time.perf_counter() - started) * 1000
        if isinstance(event, events.RunStarted):
            seen.image = event.image
        elif isinstance(event, events.Testimony):
            seen.runner = seen.runner or since_ms
        elif isinstance(event, events.ModelRequest):
            seen.request = seen.request or since_ms
        elif isinstance(event, events.RunFinished):
            if event.result != "completed":
                raise RuntimeError(f"the measured run did not complete: {event}")
            seen.phases = {str(phase): took for phase, took in event.phases_s.items()}
            return seen
    raise FreeholdError(Code.UNREACHABLE, "the keeper went away in the middle of a measurement")


def _docker_run(image: str) -> float:
    started = time.perf_counter()
    subprocess.run(["docker", "run", "--rm", "--entrypoint", "true", image], check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000
