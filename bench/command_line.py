"""How soon the command line answers, against the peer `al` (Action Llama, from npm) on the same machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from bench.figure import Figure, Missing, medians

PEER = "@action-llama/action-llama@0.29.1"
ROUNDS = 15
_CACHE = Path(".bench") / "peer"


def measure() -> list[Figure | Missing]:
    ours = Path(sys.executable).parent / "freehold"
    peer = _peer()
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
        figures.append(Missing("freehold --help against al --help", f"npm could not install {PEER}"))
    return figures


def _time(command: list[str]) -> float:
    # Bytecode is written once and read ever after, as it is for people.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    return (time.perf_counter() - started) * 1000


def _peer() -> Path | None:
    program = (_CACHE / "node_modules" / ".bin" / "al").absolute()
    if program.exists():
        return program
    if shutil.which("npm") is None:
        return None
    _CACHE.mkdir(parents=True, exist_ok=True)
    print(f"  installing the peer {PEER} (about 100 s) …", flush=True)
    install = ["npm", "install", "--silent", "--no-save", "--ignore-scripts", "--prefix", str(_CACHE), PEER]
    done = subprocess.run(install, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return program if done.returncode == 0 and program.exists() else None
