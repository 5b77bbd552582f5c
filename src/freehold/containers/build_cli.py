"""Which `docker` program can build with BuildKit: the one thing that the engine's API cannot be asked for."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError

_VERSION = re.compile(r"^Docker version (\d+)\.")
_LAST_WITH_BUILTIN_BUILDKIT = 22
"""Up to this major version, DOCKER_BUILDKIT=1 needs no plugin; from 23 on, BuildKit is the buildx plugin alone."""


@dataclass(frozen=True)
class BuildCli:
    program: str
    has_buildx: bool

    @property
    def command(self) -> tuple[str, ...]:
        """The words before the build's own options. `default` is the engine's builder, which keeps the image there."""
        if self.has_buildx:
            return (self.program, "buildx", "build", "--builder", "default", "--load", "--provenance=false")
        return (self.program, "build")


@dataclass(frozen=True)
class Candidate:
    program: str
    version: str
    has_buildx: bool

    @property
    def can_build(self) -> bool:
        match = _VERSION.search(self.version)
        return self.has_buildx or (match is not None and int(match[1]) <= _LAST_WITH_BUILTIN_BUILDKIT)


def choose(candidates: Iterable[Candidate]) -> BuildCli:
    """The first that can, one with buildx before one without. Raises `FreeholdError` (UNREACHABLE) when none can."""
    able = [candidate for candidate in candidates if candidate.can_build]
    able.sort(key=lambda candidate: not candidate.has_buildx)
    if able:
        return BuildCli(able[0].program, able[0].has_buildx)
    known = ", ".join(f"{candidate.program} ({candidate.version})" for candidate in candidates)
    raise FreeholdError(
        Code.UNREACHABLE,
        f"No docker program here can build images with BuildKit. Found: {known or 'none'}.",
        "Install its buildx plugin: apt-get install docker-cli docker-buildx (Debian 13), docker.io (Debian 12), or "
        "docker-buildx-plugin (from Docker's own packages).",
    )


async def find_build_cli(environment: Mapping[str, str] = os.environ) -> BuildCli:
    """Look at every `docker` in PATH. Raises as `choose`."""
    programs = dict.fromkeys(
        str(path)
        for folder in environment.get("PATH", os.defpath).split(os.pathsep)
        if os.access(path := Path(folder or ".") / "docker", os.X_OK) and path.is_file()
    )
    return choose([await _candidate(program, environment) for program in programs])


async def _candidate(program: str, environment: Mapping[str, str]) -> Candidate:
    _, version = await _run((program, "--version"), environment)
    status, _ = await _run((program, "buildx", "version"), environment)
    return Candidate(program, version.strip(), status == 0)


async def _run(command: tuple[str, ...], environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit status and standard output; a program that cannot be started, or hangs for 10 s, has failed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
        )
    except OSError as error:
        return 127, str(error)
    try:
        output, _ = await asyncio.wait_for(process.communicate(), timeout=10)
    except TimeoutError:
        process.kill()
        await process.wait()
        return 124, ""
    return process.returncode or 0, output.decode(errors="replace")
