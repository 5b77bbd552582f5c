"""`make bench`: every measurement, or those named on the command line."""

from __future__ import annotations

import importlib
import sys
import time

from bench.figure import Missing, show

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
}


def main() -> int:
    wanted = sys.argv[1:] or list(MEASUREMENTS)
    unknown = [name for name in wanted if name not in MEASUREMENTS]
    if unknown:
        print(f"no such measurement: {', '.join(unknown)}; there is: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    missed = 0
    for name in wanted:
        started = time.monotonic()
        print(f"{name}", flush=True)
        figures = importlib.import_module(MEASUREMENTS[name]).measure()
        show(figures)
        missed += sum(not isinstance(figure, Missing) and figure.met is False for figure in figures)
        print(f"  ({time.monotonic() - started:.0f} s)\n", flush=True)
    print("every aim is met" if not missed else f"{missed} of the aims are not met")
    return 0


if __name__ == "__main__":
    sys.exit(main())
