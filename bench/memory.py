"""Resident memory of the runner, and of the runner with the builtin harness, in the middle of a session."""

from __future__ import annotations

import asyncio
import re

from bench.docker import docker_problem
from bench.figure import Figure, Missing
from bench.project import BenchProject, bench_project
from bench.runs import run_to_its_end
from freehold.client.keeper import connected
from freehold.wire import events

_LOOK = r"""for process in /proc/[0-9]*; do
  awk '/^Pid:/ {pid=$2} /^VmRSS:/ {rss=$2} END {print "rss", pid, rss}' $process/status
  echo "cmd ${process#/proc/} $(tr '\0' ' ' < $process/cmdline)"
done"""
_INDENT = " " * 6


def measure() -> list[Figure | Missing]:
    if problem := docker_problem():
        return [Missing("memory", problem)]
    with bench_project() as project:
        return asyncio.run(_measure(project))


async def _measure(project: BenchProject) -> list[Figure | Missing]:
    script = "\n".join(f"{_INDENT}{line}" for line in _LOOK.splitlines())
    rehearsal = f"version: 1\nturns:\n  - shell: |\n{script}\n  - say: Done.\n"
    project.write_agent("bench", {"rehearsal.yaml": rehearsal})
    async with connected(project.root, project.home) as keeper:
        seen = await run_to_its_end(keeper, "bench")
        await keeper.stop_keeper()
    text = next(one.event.output for one in seen if isinstance(one.event, events.ToolFinished))
    resident = {
        int(pid): int(kilobytes) / 1024 for pid, kilobytes in re.findall(r"^rss (\d+) (\d+)", text, re.MULTILINE)
    }
    harness = next(int(pid) for pid in re.findall(r"^cmd (\d+) \S*python\S* .*/app/bin/harness", text, re.MULTILINE))
    how = "VmRSS in /proc, in the middle of a session"
    return [
        Figure("runner", resident[1], "MB", how, at_most=35),
        Figure("runner and builtin harness", resident[1] + resident[harness], "MB", how, at_most=160),
    ]
