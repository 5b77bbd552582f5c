"""`make soak`, or `python -m bench.soak --minutes N`."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from pathlib import Path

from bench.docker import docker_problem
from bench.soak.outcome import RESULT_FILE
from bench.soak.soak import Wanted, soak

CALM_SHARE = 1 / 12


def main() -> int:
    parser = argparse.ArgumentParser(description="Load a project's service, kill its processes, and see what is lost.")
    parser.add_argument("--minutes", type=float, default=60.0, help="under load with kills; a twelfth more without")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(100_000))
    parser.add_argument("--kill-every", type=float, default=20.0, metavar="SECONDS", help="one kill in so many seconds")
    parser.add_argument("--folder", type=Path, help="where the project lies; it stays after an error")
    parser.add_argument("--result", type=Path, default=RESULT_FILE, help="the file that the result is written to")
    given = parser.parse_args()
    if problem := docker_problem():
        print(f"not run: {problem}")
        return 1
    print(f"{given.minutes:g} minutes, seed {given.seed}", flush=True)
    calm = max(given.minutes * CALM_SHARE, 0.5)
    outcome = asyncio.run(soak(Wanted(given.minutes, calm, given.seed, given.kill_every, given.folder)))
    outcome.save(given.result)
    print("\n".join(outcome.lines()))
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
