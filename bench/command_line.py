"""How soon the command line answers, against the peer `al` (Action Llama, from npm) on the same machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from bench.figure import Figure, Missing, MissingError, medians
from bench.peer.installation import peer as installed_peer

ROUNDS = 15


def measure() -> list[Figure | Missing]:
    ours = Path(sys.executable).parent / "freehold"
    peer, why = _peer()
    commands = [[str(ours), "--help"], [sys.executable, "-I", "-c", "pass"], *([[str(peer), "--help"]] if peer else [])]
    for command in commands:
        _time(command)  # files into the page cache, bytecode onto the disk
    times = medians([partial(_time, command) for command in commands], ROUNDS)
    note = f"a bare `python -c pass` takes {times[1]:.0f} ms"
    how = f"whole process, median of {ROUNDS}, in turn"
    figures: list[Figure | Missing] = [
        Figure("freehold --help", times[0], "ms", how, at_most=100, note=note),
    ]
    if peer:
        figures.append(Figure("freehold --help", times[0], "ms", how, times[2], "al --help", at_most=0.6))
    else:
        figures.append(Missing("freehold --help against al --help", why))
    return figures


def _time(command: list[str]) -> float:
    # Bytecode is written once and read ever after, as it is for people.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    return (time.perf_counter() - started) * 1000


def _peer() -> tuple[Path | None, str]:
    try:
        return installed_peer(), ""
    except MissingError as missing:
        return None, str(missing)
