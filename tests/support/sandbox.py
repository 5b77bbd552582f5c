"""One sandbox for all tests of a process that want a server: made by the real command when it is first asked for.

Ask for the fixture `sandbox`, which `tests/real/conftest.py` has, and mark the test with `docker` and with
`xdist_group("sandbox")`, so that one worker boots one. What a test leaves on it, the next one finds.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.program import Freehold

_PREFIX = "test-"


@dataclass(frozen=True)
class SandboxServer:
    """`freehold` has a home of its own, in which `environment` names the server. `key` is the private key of root."""

    name: str
    address: str
    environment: str
    freehold: Freehold

    @property
    def home(self) -> Path:
        return self.freehold.home

    @property
    def key(self) -> Path:
        return self.home / "credentials/vps_ssh/default/private_key"

    @property
    def container(self) -> str:
        return f"fh-sandbox-{self.name}"

    def run(self, *words: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """A command there, over SSH; one word is a line for the shell."""
        return self.freehold("sandbox", "ssh", self.name, *words, timeout_s=timeout_s)

    def says(self, *words: str) -> str:
        """What a command that succeeds there says."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout.strip()


@contextlib.contextmanager
def sandbox_server(folder: Path, *options: str, called: str = "") -> Iterator[SandboxServer]:
    """A sandbox with an environment `box`, removed afterwards. `options` are those of `freehold sandbox create`."""
    freehold = Freehold(folder, folder / "home")
    folder.mkdir(parents=True, exist_ok=True)
    _remove_those_of_the_dead(freehold)
    name = f"{_PREFIX}{os.getpid()}{called}"
    made = freehold("sandbox", "create", name, "--env", "box", "--wait", "300", *options)
    assert made.returncode == 0, made.stderr
    try:
        yield SandboxServer(name, made.stdout.strip(), "box", freehold)
    finally:
        gone = freehold("sandbox", "remove", name, "--yes")
        assert gone.returncode == 0, gone.stderr


def _remove_those_of_the_dead(freehold: Freehold) -> None:
    """Sandboxes of test processes that were killed before they could."""
    listed = freehold("sandbox", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    for one in json.loads(listed.stdout):
        pid = one["name"].removeprefix(_PREFIX).split("-")[0]
        if one["name"].startswith(_PREFIX) and pid.isdigit() and not Path(f"/proc/{pid}").exists():
            freehold("sandbox", "remove", one["name"], "--yes")


def tiny_image_command() -> str:
    """A line for the shell of a sandbox: the image `tiny`, of a shell and its libraries, without a registry."""
    return "cd / && tar -ch bin/sh $(ldd /bin/sh | grep -o '/[^ ]*' | sed 's|^/||') | docker import - tiny"
