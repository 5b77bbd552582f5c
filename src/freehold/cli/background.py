"""`freehold start` as a process of its own, for who cannot wait for its end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.cli.service_log import open_log, service_log
from freehold.client.gateway import Gateway
from freehold.client.gateway_address import LocalAddress
from freehold.project.load import require_project
from freehold.project.state import state_directory
from freehold.store.state_mark import claim_state

START_DEADLINE_S = 30.0
_LOOK_EVERY_S = 0.05
_LAST_WORDS = 2000


def start_in_background(project: Path, home: Path) -> None:
    """Returns once its gateway answers; it outlives this process. Raises UNREACHABLE, with its last words, when it did
    not come up."""
    require_project(project)
    state = state_directory(project)
    claim_state(state, home)
    log = service_log(project)
    begins_at = log.stat().st_size if log.exists() else 0
    service = _spawn(project, home, log)
    gateway = Gateway(LocalAddress(project))
    deadline = time.monotonic() + START_DEADLINE_S
    while not gateway.is_there():
        if service.poll() is not None or time.monotonic() > deadline:
            raise FreeholdError(
                Code.UNREACHABLE, f"it did not start: {_last_words(log, begins_at)}", f"Its log is {log}."
            )
        time.sleep(_LOOK_EVERY_S)


_started: list[subprocess.Popen[bytes]] = []
"""Services outlive whoever started them; an MCP server that goes on for long must not collect their remains."""


def _spawn(project: Path, home: Path, log: Path) -> subprocess.Popen[bytes]:
    _started[:] = [service for service in _started if service.poll() is None]
    handle = open_log(log)
    try:
        service = subprocess.Popen(
            [sys.executable, "-m", "freehold", "-p", str(project), "start", "--headless"],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
            env={**os.environ, "FREEHOLD_HOME": str(home)},
        )
    finally:
        os.close(handle)
    _started.append(service)
    return service


def _last_words(log: Path, since: int) -> str:
    with log.open("rb") as file:
        file.seek(since)
        return file.read()[-_LAST_WORDS:].decode(errors="replace").strip() or "it wrote nothing"
