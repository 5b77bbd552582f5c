"""Where the demo runs: in Docker where an engine answers, else as another user of this machine, and what that means."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from freehold.base.clock import SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.project.state import keeper_directory
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.engine import Readiness
from freehold.runtime.host.account import DEFAULT_RUN_AS
from freehold.runtime.host.readiness import can_have_namespaces
from freehold.runtime.host_user import HostUserEngine

DOCKER = "docker"
HOST_USER = "host-user"
_CONTAINER = "a container with no network but the allow-list, no capabilities and a read-only root"


_AS_YOU = (
    "THE AGENT RUNS AS YOU, AND CAN READ AND CHANGE ALL THAT YOU CAN.",
    "That is fine for this rehearsal, whose commands are in agents/release-notes/rehearsal.yaml.",
    "Do not run an agent that you do not know this way.",
)


@dataclass(frozen=True)
class Setting:
    """`overlay` is the text of the project's `.env.toml`; `as_caller`: as the very user who started the demo."""

    engine: str
    meaning: str
    overlay: str
    as_caller: bool = False
    warnings: tuple[str, ...] = ()


async def choose_setting(project: Path, asked: str) -> Setting:
    """What was asked for, else the safest that this machine can do. Raises UNREACHABLE when that cannot be had."""
    if asked != HOST_USER:
        docker = await _check_docker(project)
        if docker.ready:
            return Setting(DOCKER, f"{_CONTAINER} (Docker {docker.version})", _overlay(DOCKER, "allowlist"))
        if asked == DOCKER:
            raise FreeholdError(Code.UNREACHABLE, docker.problem, docker.hint)
        return await _host_user(project, (f"no container: {docker.problem}",))
    return await _host_user(project, ())


async def _check_docker(project: Path) -> Readiness:
    engine = DockerEngine(SystemClock(), keeper_directory(project) / "workspaces")
    try:
        return await engine.check()
    finally:
        await engine.close()


async def _host_user(project: Path, warnings: tuple[str, ...]) -> Setting:
    is_root = os.geteuid() == 0
    isolated = await can_have_namespaces(root=is_root)
    overlay = _overlay(HOST_USER, "allowlist" if isolated else "open")
    if not isolated:
        warnings = (*warnings, "the agent shares this machine's network: no network of its own can be made here")
    ready = await HostUserEngine(SystemClock(), keeper_directory(project)).check()
    if ready.ready or is_root:
        # Root can always give a run a user of its own: one from the accounts, or a number that is nobody's.
        who = f"the user {DEFAULT_RUN_AS}" if ready.ready else "a user number that is nobody's"
        meaning = f"processes of {who}, who cannot read your files; memory and CPU are not limited"
        return Setting(HOST_USER, meaning, overlay, not ready.ready, warnings)
    meaning = "processes of your own user, on this machine"
    alone = f"there is no second user: {ready.problem} {ready.hint}"
    return Setting(HOST_USER, meaning, overlay, True, (*warnings, alone, *_AS_YOU))


def _overlay(engine: str, network: str) -> str:
    return f'# Written by `freehold demo`.\n[local]\nengine = "{engine}"\nnetwork = "{network}"\n'
