"""A throw-away project to measure with: one agent that plays a rehearsal."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from freehold.project.load import load_project

_CONFIG = """[models.rehearsed]
provider = "rehearsal"
authType = "api_key"
"""
REHEARSAL = """version: 1
turns:
  - say: Hello.
"""


@dataclass(frozen=True)
class BenchProject:
    root: Path
    home: Path

    def write_agent(self, name: str, files: dict[str, str]) -> None:
        folder = self.root / "agents" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text)


@contextmanager
def bench_project() -> Iterator[BenchProject]:
    """A project with an agent `bench`, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="freehold-bench-"))
    project = BenchProject(folder / "project", folder / "home")
    project.root.mkdir()
    project.home.mkdir()
    (project.root / "config.toml").write_text(_CONFIG)
    skill = "---\nname: bench\ndescription: Measures.\n---\nSay hello.\n"
    config = 'models = ["rehearsed"]\nschedule = "0 0 1 1 *"\n'
    project.write_agent("bench", {"SKILL.md": skill, "config.toml": config, "rehearsal.yaml": REHEARSAL})
    try:
        yield project
    finally:
        _remove_from_docker(project)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_from_docker(project: BenchProject) -> None:
    """Its containers, where a measurement ended in the middle of a run, then its volumes."""
    if shutil.which("docker") is None:
        return
    label = f"label=dev.freehold.project={load_project(project.root, home=project.home).unique_name}"
    for listing, removal in ((["ps", "-aq"], ["rm", "-f"]), (["volume", "ls", "-q"], ["volume", "rm"])):
        listed = subprocess.run(
            ["docker", *listing, "--filter", label], check=False, capture_output=True, text=True
        ).stdout.split()
        if listed:
            subprocess.run(["docker", *removal, *listed], check=False, capture_output=True)
