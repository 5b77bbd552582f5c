"""Somebody else: a container with an address of its own beside the sandboxes, from which their SSH is tried."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.sandbox import SandboxServer

_SSH = (
    "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
    "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=5", "-o", "LogLevel=ERROR",
)  # fmt: skip


@dataclass(frozen=True)
class Attacker:
    """`key` is a path in its container, of a key that nobody lets in."""

    container: str
    address: str
    key: str = "/root/key"

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["docker", "exec", self.container, *words], capture_output=True, text=True, timeout=60)

    def knocks(self, address: str, user: str = "root", port: int = 22) -> subprocess.CompletedProcess[str]:
        """One login with the wrong key."""
        return self(*_SSH, "-i", self.key, "-p", str(port), f"{user}@{address}", "true")

    def looks(self, address: str, port: int) -> bool:
        """Whether something takes a connection there, and is not silent."""
        done = self("timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}")
        return done.returncode == 0


@contextlib.contextmanager
def attacker(sandbox: SandboxServer) -> Iterator[Attacker]:
    """Made of the sandbox's own image, which has an SSH client."""
    image = _docker("inspect", "--format", "{{.Image}}", sandbox.container)
    name = f"fht-attacker-{sandbox.name}"
    words = ("--rm", "--detach", "--name", name, "--network", "fh-sandboxes", "--entrypoint", "sleep")
    _docker("run", *words, image, "600")
    try:
        address = _docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
        made = Attacker(name, address)
        assert made("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", made.key).returncode == 0
        yield made
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True)


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()
