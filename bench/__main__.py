"""`make bench`: every measurement, or those named on the command line."""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from bench.figure import Missing, show
from bench.table import write

MEASUREMENTS = {
    "command-line": "bench.command_line",
    "run-start": "bench.run_start",
    "memory": "bench.memory",
    "model-gateway": "bench.model_gateway",
    "egress": "bench.egress",
    "service-start": "bench.service.start",
    "service-webhooks": "bench.service.webhooks",
    "service-history": "bench.service.history",
    "service-begin": "bench.service.begin",
    "push": "bench.push.beside_peer",
    "push-load": "bench.push.under_load",
    "push-first": "bench.push.first",
    "push-many": "bench.push.many",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, beside a control in the same run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(MEASUREMENTS)}, or how some begin")
    parser.add_argument("--write", action="store_true", help="put what was measured into docs/bench.md")
    given = parser.parse_args()
    chosen = [name for name in MEASUREMENTS if not given.names or name.startswith(tuple(given.names))]
    unknown = [name for name in given.names if not any(one.startswith(name) for one in chosen)]
    if unknown:
        parser.error(f"no such measurement: {', '.join(unknown)}; there is: {', '.join(MEASUREMENTS)}")
    missed = sum(_measure(name, keep=given.write) for name in chosen)
    print("every aim is met" if not missed else f"{missed} of the aims are not met")
    return 0


def _measure(name: str, *, keep: bool) -> int:
    """How many of its aims are not met."""
    started = time.monotonic()
    print(f"{name}", flush=True)
    figures = importlib.import_module(MEASUREMENTS[name]).measure()
    show(figures)
    if keep:
        write(name, figures)
    print(f"  ({time.monotonic() - started:.0f} s)\n", flush=True)
    return sum(not isinstance(figure, Missing) and figure.met is False for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
