"""`make soak`: a keeper under load for a while, watched for what grows: memory, descriptors, containers, folders."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.docker import docker_problem
from bench.project import BenchProject, bench_project
from bench.runs import run_to_its_end
from freehold.base.errors import FreeholdError
from freehold.client.keeper import connected
from freehold.project.load import load_project
from freehold.wire.keeper import KeeperStatus

AT_ONCE = 3
_LOOK_EVERY_S = 20.0
_LAST_LOOK_WITHIN_S = 10.0
_CALLS_OF_NOBODY = 20


@dataclass(frozen=True)
class Look:
    """The keeper at one moment."""

    at_s: float
    runs: int
    failed: int
    resident_mb: float
    descriptors: int
    containers: int
    folders: int

    def __str__(self) -> str:
        return (
            f"{self.at_s:5.0f} s  {self.runs:4} runs, {self.failed} failed  {self.resident_mb:6.1f} MB  "
            f"{self.descriptors:3} descriptors  {self.containers} containers  {self.folders} run directories"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Keep a keeper busy and watch what grows.")
    parser.add_argument("--minutes", type=float, default=5.0)
    minutes = parser.parse_args().minutes
    if problem := docker_problem():
        print(f"not run: {problem}")
        return 1
    with bench_project() as project:
        project.run_at_once(AT_ONCE)
        looks = asyncio.run(soak(project, minutes * 60))
    return _judge(looks)


async def soak(project: BenchProject, seconds: float) -> list[Look]:
    """Start runs one after another, `AT_ONCE` side by side, for so long; what was seen meanwhile, the end last."""
    done, failed = [0], [0]
    looks: list[Look] = []

    async def work() -> None:
        async with connected(project.root, project.home) as keeper:
            while time.monotonic() - started < seconds:
                try:
                    await run_to_its_end(keeper, "bench")
                except FreeholdError as error:
                    failed[0] += 1
                    print(f"  a run failed: {error.message}", file=sys.stderr)
                done[0] += 1

    async def come_and_go() -> None:
        while time.monotonic() - started < seconds:
            for _ in range(_CALLS_OF_NOBODY):
                async with connected(project.root, project.home) as keeper:
                    await keeper.call("keeper/status", {}, KeeperStatus)
            await asyncio.sleep(1)

    async def watch(pid: int, name: str) -> None:
        while True:
            looks.append(_look(project, pid, name, time.monotonic() - started, done[0], failed[0]))
            print(looks[-1], flush=True)
            await asyncio.sleep(_LOOK_EVERY_S)

    async with connected(project.root, project.home) as keeper:
        await run_to_its_end(keeper, "bench")  # builds what is missing, and warms everything up
        pid = (await keeper.call("keeper/status", {}, KeeperStatus)).pid
        name = load_project(project.root, home=project.home).unique_name
        started = time.monotonic()
        watching = asyncio.create_task(watch(pid, name))
        await asyncio.gather(*(work() for _ in range(AT_ONCE)), come_and_go())
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        # A run's end is told before its container is gone.
        deadline = time.monotonic() + _LAST_LOOK_WITHIN_S
        while True:
            last = _look(project, pid, name, time.monotonic() - started, done[0], failed[0])
            if not (last.containers or last.folders) or time.monotonic() >= deadline:
                break
            await asyncio.sleep(0.2)
        looks.append(last)
        print(last)
        await keeper.stop_keeper()
    return looks


def _look(project: BenchProject, pid: int, name: str, at_s: float, runs: int, failed: int) -> Look:
    status = Path(f"/proc/{pid}/status").read_text()
    resident_kb = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
    filters = ["--filter", f"label=dev.freehold.project={name}"]
    listed = subprocess.run(["docker", "ps", "-aq", *filters], check=True, capture_output=True, text=True).stdout
    folders = [folder for folder in (project.root / ".freehold" / "runs").iterdir() if (folder / "mount").exists()]
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Look(at_s, runs, failed, resident_kb / 1024, descriptors, len(listed.split()), len(folders))


def _judge(looks: list[Look]) -> int:
    """What is left at the end, and what grew after the first minute; words for a person, and an exit code."""
    last = looks[-1]
    settled = next((look for look in looks if look.at_s >= 60), looks[0])
    grown_mb = last.resident_mb - settled.resident_mb
    per_run_kb = grown_mb * 1024 / max(last.runs - settled.runs, 1)
    memory = f"memory {grown_mb:+.1f} MB since it settled ({per_run_kb:+.1f} kB a run)"
    print(f"\n{last.runs} runs, {last.failed} failed; {memory}")
    problems = [
        text
        for text, wrong in (
            (f"{last.failed} runs failed", last.failed > 0),
            (f"{last.containers} containers are left", last.containers > 0),
            (f"{last.folders} run directories are left", last.folders > 0),
            (
                f"descriptors grew from {settled.descriptors} to {last.descriptors}",
                last.descriptors > settled.descriptors + 5,
            ),
            (f"memory grew by {grown_mb:.0f} MB", grown_mb > 12),
        )
        if wrong
    ]
    print("nothing is left behind and nothing grows" if not problems else "; ".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
