"""What `doctor` looks at on this machine: Docker, and runs as another user, as far as the project uses them."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import sys

from freehold.base.clock import SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.program import with_sudo
from freehold.cli.context import Context
from freehold.cli.finding import Finding, Fix, Level
from freehold.containers.build_cli import find_build_cli
from freehold.containers.connection import DockerConnection
from freehold.containers.image_store import DockerImages, ImageStore
from freehold.project.load import Project
from freehold.project.names import BASE_IMAGE
from freehold.project.state import keeper_directory
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.host.account import look_up
from freehold.runtime.host.setup import Wanted, plan
from freehold.runtime.host.setup import fix as make_users
from freehold.runtime.host_user import HostUserEngine
from freehold.runtime.images import debian
from freehold.runtime.images.inputs import inputs_of
from freehold.runtime.images.plan import Planner


async def check_engines(context: Context, project: Project | None) -> list[Finding]:
    """Docker's state counts as an error only where an agent runs in it; likewise the other users."""
    agents = list(project.agents.values()) if project else []
    findings: list[Finding] = []
    if not agents or any(not agent.is_host_user for agent in agents):
        findings += await _docker(context, project)
    accounts = {agent.run_as: agent for agent in agents if agent.is_host_user}
    for run_as in accounts:
        scale = sum(agent.scale for agent in agents if agent.is_host_user and agent.run_as == run_as)
        findings += await _host_user(context, run_as, scale, accounts[run_as].groups)
    return findings


async def _docker(context: Context, project: Project | None) -> list[Finding]:
    engine = DockerEngine(SystemClock(), keeper_directory(context.project_dir) / "workspaces")
    try:
        ready = await engine.check()
    finally:
        await engine.close()
    if not ready.ready:
        return [Finding(Level.ERROR, "docker", ready.problem, ready.hint, Code.UNREACHABLE, _start_docker())]
    findings = [Finding(Level.OK, "docker", f"engine {ready.version}")]
    findings += [Finding(Level.WARNING, "docker", warning) for warning in ready.warnings]
    try:
        await find_build_cli()
    except FreeholdError as error:
        findings.append(Finding(Level.ERROR, "docker", error.message, error.hint, error.code))
    return findings + await _base_image(project)


async def _base_image(project: Project | None) -> list[Finding]:
    connection = DockerConnection.open()
    try:
        images = DockerImages(connection)
        needed = await needed_base(images, project)
        if not needed or await images.find(needed):
            return [Finding(Level.OK, "base image", "built" if needed else "the project has its own (local.image)")]
        if await images.find(f"{BASE_IMAGE}:latest"):
            return [Finding(Level.OK, "base image", "built for another version; the first run builds it anew")]
        if await images.find(debian.FROM_HERE) or await images.find(debian.FROM_REGISTRY):
            return [Finding(Level.OK, "base image", "not built yet; the first run builds it")]
    finally:
        await connection.close()
    message = f"not built yet; the first run builds it from {debian.FROM_REGISTRY}"
    hint = "Where no container registry can be reached, a Debian of this machine's own takes its place."
    return [Finding(Level.WARNING, "base image", message, hint, fix=_make_debian())]


async def needed_base(images: ImageStore, project: Project | None) -> str:
    """The base image that this version and these agents need; the empty string where they have one of their own."""
    planner = Planner(images)
    agents = [agent for agent in project.agents.values() if not agent.is_host_user] if project else []
    if not project or not agents:
        return planner.base
    wanted = await planner.names(inputs_of(project, agent) for agent in agents)
    return next((name for name in wanted if name.startswith(f"{BASE_IMAGE}:")), "")


def _start_docker() -> Fix | None:
    systemctl = shutil.which("systemctl")
    if systemctl is None or shutil.which("dockerd") is None or os.geteuid() != 0 or os.environ.get("DOCKER_HOST"):
        return None
    return Fix("Start Docker (systemctl start docker)", lambda: _run(systemctl, "start", "docker"))


def _make_debian() -> Fix | None:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        return None
    return Fix("Make a local Debian with debootstrap (30 s, 80 MB)", lambda: _run(*debian.command()))


async def _host_user(context: Context, run_as: str, scale: int, groups: tuple[str, ...]) -> list[Finding]:
    engine = HostUserEngine(SystemClock(), keeper_directory(context.project_dir))
    ready = await engine.check(run_as)
    subject = f"user {run_as}"
    findings = [Finding(Level.WARNING, subject, warning) for warning in ready.warnings]
    keeper = _keeper()
    try:
        wanted = Wanted(run_as, max(scale, 1) + engine.users_taken(run_as, keeper.pw_uid), keeper.pw_name, groups)
        todo = [action.told for action in plan(wanted)] if os.geteuid() == 0 else []
    except FreeholdError as error:
        return [Finding(Level.ERROR, subject, error.message, error.hint, error.code), *findings]
    problem, hint = ready.problem, ready.hint or f"Make what is missing: {with_sudo('doctor --fix')}"
    if ready.ready and todo:
        problem = f"Runs of {keeper.pw_name} cannot be started as it: {len(todo)} things are missing."
    elif ready.ready and len(look_up(run_as)) < wanted.count:
        problem = f"{wanted.count} such users are needed, each for one slot, and there are {len(look_up(run_as))}."
    if not problem:
        return [Finding(Level.OK, subject, "runs can be started as it"), *findings]

    async def make() -> None:
        await make_users(wanted)

    fix = Fix(f"For runs without Docker: {'; '.join(todo)}", make) if todo else None
    return [Finding(Level.ERROR, subject, problem, hint, Code.FAILED, fix), *findings]


def _keeper() -> pwd.struct_passwd:
    """Whose keeper will start the runs: under sudo, the person behind it."""
    person = os.environ.get("SUDO_USER")
    return pwd.getpwnam(person) if person else pwd.getpwuid(os.geteuid())


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, stdout=sys.stderr)
    if await process.wait():
        raise FreeholdError(Code.FAILED, f"{' '.join(command)} failed (exit code {process.returncode})", "See above.")
