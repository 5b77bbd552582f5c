"""Docker is absent, stopped, not for this user, restarted or killed under a run: each is told, and nothing hangs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from freehold.wire.events import Status
from freehold.wire.runs import Outcome
from tests.support.docker_daemon import Daemon
from tests.support.installation import ROOT, Installation, finished, printed, until

pytestmark = pytest.mark.xdist_group("docker-away")

ADDRESS = "DOCKER_HOST"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Installation]:
    """A project whose runs never come to a container."""
    installation = Installation(tmp_path)
    installation.agent(script="fh status working\nsleep 30\nfh return 42\n")
    installation.agent("quick", script="true\n")
    yield installation
    installation.stop_keeper()


def failed(here: Installation) -> Outcome:
    end = finished(here.run("dev", code=1)).outcome()
    assert end.result == "error"
    assert end.error is not None
    assert end.error.code == "unreachable"
    return end


@pytest.mark.parametrize(
    ("kind", "words"),
    [("no socket", "Docker is not at"), ("dead socket", "Docker is not at"), ("no host", "does not answer")],
)
def test_docker_is_not_there(alone: Installation, tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / "docker.sock"
    alone.environment[ADDRESS] = "tcp://127.0.0.1:1" if kind == "no host" else f"unix://{path}"
    if kind == "dead socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    end = failed(alone)
    assert end.error is not None
    assert words in end.error.message
    assert alone.environment[ADDRESS].removeprefix("unix://") in end.error.message
    assert end.error.hint


def test_docker_is_installed_nowhere(alone: Installation, tmp_path: Path) -> None:
    """A PATH without the program: images cannot be built, and that is said before anything else."""
    alone.environment |= {ADDRESS: f"unix://{tmp_path}/docker.sock", "PATH": str(Path(sys.executable).parent)}
    end = failed(alone)
    assert end.error is not None
    assert end.error.hint


@contextlib.contextmanager
def shown_at(target: Path, source: Path) -> Iterator[None]:
    """Show a folder at another place too, where those may look who may not where it lies."""
    target.mkdir()
    subprocess.run(["mount", "--bind", str(source), str(target)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(target)], check=True)


@pytest.mark.docker
@pytest.mark.root
def test_a_user_without_rights_is_told_how_to_get_them() -> None:
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory(prefix="fht-") as name:  # pytest's own folders are for its user alone
        folder = Path(name)
        here = Installation(folder)
        here.agent(script="true\n")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534)
        with shown_at(folder / "venv", Path(sys.prefix)), shown_at(folder / "src", ROOT / "src"):
            words = [f"{folder}/venv/bin/python", "-m", "freehold", "-p", str(here.project)]
            environment = {**here.environment, "HOME": name, "PYTHONPATH": f"{folder}/src"}
            options: dict[str, Any] = {"env": environment, "capture_output": True, "cwd": "/"}
            done = subprocess.run([*as_nobody, *words, "run", "dev"], text=True, **options)
            subprocess.run([*as_nobody, *words, "keeper", "stop"], **options)
    assert done.returncode == 1, done.stderr
    assert "usermod -aG docker" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def daemon(base_image: str) -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="fhd-") as folder:
        made = Daemon(Path(folder))
        try:
            made.start()
            made.load(base_image)
            yield made
        finally:
            made.close()


@pytest.fixture
def there(alone: Installation, daemon: Daemon) -> Installation:
    """`alone`, with a Docker engine that may be stopped."""
    alone.environment[ADDRESS] = daemon.address
    return alone


def working(here: Installation) -> subprocess.Popen[str]:
    running = here.start("run", "dev", "--json")
    until(lambda: any(isinstance(event, Status) for run_id in here.run_ids() for event in here.events(run_id)))
    return running


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_docker_is_restarted_under_a_run(there: Installation, daemon: Daemon, number: signal.Signals) -> None:
    """Its containers end with it; the keeper waits until it is back, and tells what it says then."""
    running = working(there)
    daemon.stop(number)
    daemon.start()
    out, err = running.communicate(timeout=90)
    end = finished(printed(out)).outcome()
    assert running.returncode == 1, err
    assert end.result in ("error", "lost")  # as its runner ended in time, or not
    assert end.error is not None
    assert end.error.message
    until(lambda: daemon.docker("ps", "--all", "--quiet") == "")
    assert finished(there.run("quick")).result == "completed"
