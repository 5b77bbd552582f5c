"""From the answer to who asked for a run, to the engine being asked for its container: a free place, real Docker."""

from __future__ import annotations

import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.docker import docker_problem
from bench.figure import Figure, Missing, MissingError
from bench.project import BenchProject, bench_project
from bench.service.both import our_service, ready
from bench.service.served import Served
from freehold.project.state import STATE_DIRECTORY

RUNS, WARM_UP = 100, 5
_PATIENCE_S = 600.0


def measure() -> list[Figure | Missing]:
    if problem := docker_problem():
        return [Missing("from a trigger to the engine", problem)]
    try:
        with bench_project() as project, our_service(project) as served:
            return _measure(project, served)
    except MissingError as missing:
        return [Missing("from a trigger to the engine", str(missing))]


def _measure(project: BenchProject, served: Served) -> list[Figure | Missing]:
    # A run that ends at once: it is how soon its container is asked for that is measured.
    agent = project.root / "agents" / "bench" / "config.toml"
    agent.write_text(f'{agent.read_text()}[hooks]\npre = ["exit 1"]\n')
    served.start()
    ready(served)
    key = (project.home / "credentials" / "gateway_api_key" / "default" / "key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    took = [_one(project, served, headers) for _ in range(RUNS + WARM_UP)][WARM_UP:]
    how = (
        f"{RUNS} runs one after the other; when the client had its answer, until the keeper's own event that it "
        f"asks Docker for a container"
    )
    slowest = sorted(took)[int(RUNS * 0.99)]
    note = f"median {statistics.median(took):.0f} ms"
    return [
        Figure("trigger answered to the engine's create call, the slowest in a hundred", slowest, "ms", how, at_most=50,
               note=note, worst=max(took)),
    ]  # fmt: skip


def _one(project: BenchProject, served: Served, headers: dict[str, str]) -> float:
    status, said = served.ask("POST", "/api/v1/agents/bench/trigger", headers, b"{}")
    answered = datetime.now(UTC)
    if status not in (200, 202):
        raise MissingError(f"a trigger was answered with {status}: {said[:300]!r}")
    trigger = json.loads(said)["trigger_id"]
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        _, said = served.ask("GET", f"/api/v1/triggers/{trigger}", headers)
        view = json.loads(said)["trigger"]
        if view["state"] == "done":
            return (
                _asked_for(project.root / STATE_DIRECTORY / "runs" / view["run_id"]) - answered
            ).total_seconds() * 1000
        time.sleep(0.02)
    raise MissingError(f"a run did not end within {_PATIENCE_S:.0f} s")


def _asked_for(run: Path) -> datetime:
    for line in (run / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["type"] == "phase.started" and event["phase"] == "container":
            return datetime.fromisoformat(event["ts"])
    raise MissingError(f"{run.name} never came to its container")
