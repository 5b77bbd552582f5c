"""The `freehold` program as a person starts it: a process of its own, with its own home, and a keeper that is ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from freehold.project.load import load_project

PROGRAM = Path(sys.executable).parent / "freehold"


@dataclass
class Freehold:
    """Calls the program in `project`; `env` is laid over the environment."""

    project: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, timeout_s: float = 900, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *words], cwd=self.project, env=self.environment, input=stdin, capture_output=True, text=True,
            timeout=timeout_s,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FREEHOLD_")}
        return {**kept, "FREEHOLD_HOME": str(self.home), **self.env}

    def events(self, *words: str, timeout_s: float = 900) -> list[dict[str, Any]]:
        """The events that a command prints as JSON lines."""
        done = self(*words, "--json", timeout_s=timeout_s)
        assert done.stdout, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def freehold_in(project: Path, home: Path) -> Iterator[Freehold]:
    """The program for one project; afterwards its keeper is ended, and its workspaces are removed."""
    project.mkdir(parents=True, exist_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    program = Freehold(project, home)
    try:
        yield program
    finally:
        for folder in {project, program.project}:
            if (folder / ".freehold" / "keeper.sock").exists():
                Freehold(folder, home)("keeper", "stop")
            _remove_workspaces(folder, home)


def _remove_workspaces(project: Path, home: Path) -> None:
    if not (project / "config.toml").exists():
        return
    label = f"label=dev.freehold.project={load_project(project, home=home).unique_name}"
    listed = subprocess.run(["docker", "volume", "ls", "-q", "--filter", label], capture_output=True, text=True)
    if names := listed.stdout.split():
        subprocess.run(["docker", "volume", "rm", *names], capture_output=True)
