"""Our service and the peer's, each in a project of its own: one agent that webhooks start."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.docker import docker_problem
from bench.figure import MissingError
from bench.peer.installation import peer
from bench.project import BenchProject, bench_project
from bench.service.served import Served, free_port
from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore

SECRET = Secret("the secret of the hubs")
SOURCES = ("hub1", "hub2", "hub3", "hub4")
"""Several senders, because one alone is slowed after a burst of 20,000 (`gateway/webhook_paces.py`)."""
_PROGRAM = Path(sys.executable).parent / "freehold"

_PEER_CONFIG = """[models.m]
provider = "anthropic"
model = "claude-sonnet-4-20250514"
authType = "api_key"
[webhooks.hook]
type = "test"
[gateway]
port = {port}
"""
_PEER_AGENT = 'models = ["m"]\n[[webhooks]]\nsource = "hook"\nevents = ["nothing"]\n'


@contextmanager
def our_project() -> Iterator[BenchProject]:
    """The agent `bench` is started by pushes, and waits in a queue without end."""
    with bench_project() as project:
        config = project.root / "config.toml"
        sources = "".join(f'[webhooks.{name}]\ntype = "github"\n' for name in SOURCES)
        config.write_text(config.read_text() + sources)
        agent = project.root / "agents" / "bench" / "config.toml"
        wanted = "".join(f'[[webhooks]]\nsource = "{name}"\nevents = ["issues"]\n' for name in SOURCES)
        agent.write_text(f"{agent.read_text()}maxWorkQueueSize = 10000000\n{wanted}")
        FileCredentialStore(project.home).put(CredentialRef("github_webhook_secret", "default"), {"secret": SECRET})
        yield project


@contextmanager
def our_service(project: BenchProject, *words: str) -> Iterator[Served]:
    """Not started yet; whatever is at work at the end is ended."""
    port = free_port()
    command = [str(_PROGRAM), "-p", str(project.root), "start", "--headless", "--port", str(port), *words]
    served = Served(command, {"FREEHOLD_HOME": str(project.home)}, project.root, port)
    try:
        yield served
    finally:
        served.stop()


def ready(served: Served) -> None:
    """Wait until our service has opened the project: `/health` answers before."""
    served.until(lambda: b'"starting"' not in served.health()[1])


@contextmanager
def peer_service() -> Iterator[Served]:
    """Not started yet. Raises `MissingError`."""
    if problem := docker_problem():
        raise MissingError(f"the peer starts with Docker only, and {problem}")
    program = peer(with_database=True)
    folder = Path(tempfile.mkdtemp(prefix="freehold-bench-peer-"))
    root, port = folder / "project", free_port()
    try:
        _write_peer(folder, root, port)
        command = [str(program), "start", "--headless", "-p", str(root)]
        served = Served(command, {"HOME": str(folder / "home")}, root, port)
        try:
            yield served
        finally:
            served.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_peer(folder: Path, root: Path, port: int) -> None:
    agent = root / "agents" / "bench"
    agent.mkdir(parents=True)
    (root / "config.toml").write_text(_PEER_CONFIG.format(port=port))
    (root / ".env.toml").write_text('projectName = "bench"\n')
    (agent / "SKILL.md").write_text("---\ndescription: Measures.\n---\nSay hello.\n")
    (agent / "config.toml").write_text(_PEER_AGENT)
    key = folder / "home" / ".action-llama" / "credentials" / "anthropic_key" / "default" / "token"
    key.parent.mkdir(parents=True)
    key.write_text("not a key\n")
