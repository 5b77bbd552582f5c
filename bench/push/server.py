"""A sandbox to push to, and a project that is pushed with a copy of the program, so that no edit meanwhile counts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import freehold
from bench.docker import docker_problem
from bench.figure import MissingError
from bench.project import REHEARSAL

KEY = "credentials/vps_ssh/default/private_key"
_PROGRAM = Path(sys.executable).parent / "freehold"
_DEADLINE_S = 1200.0
_CONFIG = '[models.rehearsed]\nprovider = "rehearsal"\nauthType = "api_key"\n'
_SKILL = "---\nname: {name}\ndescription: Measures.\n---\nSay hello.\n"
_AGENT = 'models = ["rehearsed"]\nschedule = "0 0 1 1 *"\ntimeout = 900\n'


@dataclass(frozen=True)
class Server:
    """`name` is the environment's, too."""

    name: str
    address: str

    def does(self, script: str, stdin: IO[bytes] | int = subprocess.DEVNULL) -> str:
        """What a script for the shell says there, as root. Raises `MissingError` when it fails."""
        done = subprocess.run(
            ["docker", "exec", "-i", f"fh-sandbox-{self.name}", "sh", "-euc", script],
            check=False, capture_output=True, stdin=stdin,
        )  # fmt: skip
        if done.returncode:
            raise MissingError(f"on the sandbox: {done.stderr.decode(errors='replace').strip()[-300:]}")
        return done.stdout.decode()


@dataclass(frozen=True)
class Laptop:
    """Who pushes: a project, a home, and a program of their own."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def program(self) -> Path:
        """The copy that is pushed."""
        return self.folder / "program"

    def write_agent(self, name: str, script: str = "", config: str = "") -> None:
        folder = self.project / "agents" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "SKILL.md").write_text(_SKILL.format(name=name))
        (folder / "config.toml").write_text(_AGENT + config)
        (folder / "rehearsal.yaml").write_text(REHEARSAL)
        if script:
            (folder / "test-script.sh").write_text(f"#!/bin/bash\n{script}")
            (folder / "test-script.sh").chmod(0o755)

    def edit_agent(self, name: str, number: int) -> None:
        (self.project / "agents" / name / "SKILL.md").write_text(f"{_SKILL.format(name=name)}Edit {number}.\n")

    def edit_program(self, number: int) -> None:
        """Another bundle, with the same images: agents are given nothing of this file."""
        with (self.program / "freehold" / "cli" / "__init__.py").open("a") as file:
            file.write(f"# {number}\n")

    def says(self, *words: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FREEHOLD_")}
        # Bytecode is written once and read ever after, as it is for people.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment |= {"FREEHOLD_HOME": str(self.home), "PYTHONPATH": str(self.program)}
        done = subprocess.run(
            [str(_PROGRAM), "-p", str(self.project), *words], env=environment, check=False, capture_output=True,
            text=True, timeout=_DEADLINE_S,
        )  # fmt: skip
        if done.returncode:
            raise MissingError(f"freehold {words[0]}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def push(self, *words: str) -> tuple[float, dict[str, Any]]:
        """Seconds of the whole command, and what it says of the first environment."""
        began = time.perf_counter()
        said = self.says("push", "--yes", "--json", *words)
        took_s = time.perf_counter() - began
        found: dict[str, Any] = json.loads(said)["environments"][0]
        return took_s, found


@contextmanager
def laptop(*, config: str = "") -> Iterator[Laptop]:
    """With a project of one agent, `bench`; `config` is added to the agent's."""
    folder = Path(tempfile.mkdtemp(prefix="freehold-bench-push-"))
    made = Laptop(folder)
    made.project.mkdir()
    made.home.mkdir()
    shutil.copytree(
        Path(freehold.__file__).parent, made.program / "freehold", ignore=shutil.ignore_patterns("__pycache__")
    )
    (made.project / "config.toml").write_text(_CONFIG)
    made.write_agent("bench", config=config)
    try:
        yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def servers(owner: Laptop, number: int = 1) -> Iterator[list[Server]]:
    """Fresh ones, removed afterwards. Raises `MissingError` where there can be none."""
    if problem := docker_problem():
        raise MissingError(f"a sandbox is a container, and {problem}")
    with ExitStack() as stack:
        made = []
        for index in range(number):
            name = f"bench-{os.getpid()}-{index}"
            stack.callback(owner.says, "sandbox", "remove", name, "--yes")
            address = owner.says("sandbox", "create", name, "--env", name, "--wait", "300").strip()
            made.append(Server(name, address))
        yield made
