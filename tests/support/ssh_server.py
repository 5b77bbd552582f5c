"""A real OpenSSH server on a free port of this machine, with a configuration, host keys and authorised keys of its own.

As root it lets anybody of this machine in who is authorised; else only the user who started it.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from freehold.project.host_key import HostKey

PATIENCE_S = 20.0


def ssh_problem() -> str:
    """Why no server can be started here; empty when one can."""
    missing = [name for name in ("sshd", "ssh-keygen") if _program(name) is None]
    return f"no {' and no '.join(missing)} on this machine" if missing else ""


def make_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> str:
    """A key pair at `path`; the public one as one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)],
        check=True,
        capture_output=True,
    )
    return Path(f"{path}.pub").read_text().strip()


@dataclass
class SshServer:
    """`start` and `stop` may be called again and again; the port stays the same."""

    folder: Path
    authorised: list[str] = field(default_factory=list)
    settings: str = ""
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.new_host_key()

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def host_key(self) -> HostKey:
        return HostKey.parse((self.folder / "host_key.pub").read_text())

    @property
    def place(self) -> str:
        return f"[127.0.0.1]:{self.port}"

    def new_host_key(self, kind: str = "ed25519") -> None:
        for name in ("host_key", "host_key.pub"):
            (self.folder / name).unlink(missing_ok=True)
        make_key(self.folder / "host_key", kind=kind)

    def start(self) -> None:
        sshd = _program("sshd")
        assert sshd
        self._write()
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sshd, "-D", "-e", "-f", str(self.folder / "sshd_config")], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_S
        while not _answers(self.port):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def stop(self) -> None:
        """And every connection with it: they are of its process group or its children."""
        if self.process is None:
            return
        for pid in (*_below(self.process.pid), self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def freeze(self) -> None:
        """Whoever is connected hears nothing any more, and no farewell either."""
        self._tell(signal.SIGSTOP)

    def thaw(self) -> None:
        self._tell(signal.SIGCONT)

    def _tell(self, number: signal.Signals) -> None:
        assert self.process
        for pid in (self.process.pid, *_below(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _write(self) -> None:
        keys = self.folder / "authorized_keys"
        # As root sshd lets in other users too, who cannot read what lies in a folder of the test.
        command = f"AuthorizedKeysFile none\nAuthorizedKeysCommand /bin/cat {keys}\nAuthorizedKeysCommandUser root\n"
        keys.write_text("".join(f"{key}\n" for key in self.authorised))
        (self.folder / "sshd_config").write_text(
            f"{self.settings}\nListenAddress 127.0.0.1:{self.port}\nHostKey {self.folder}/host_key\n"
            f"{command if os.geteuid() == 0 else f'AuthorizedKeysFile {keys}'}\n"
            # Of the machine's own users it takes no start-up files, which may do anything and take any time.
            f"SetEnv HOME={self.folder}\n"
            "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nLogLevel VERBOSE\nMaxStartups 100\n"
            "UseDNS no\n"
        )


@contextlib.contextmanager
def ssh_server(folder: Path, *authorised: str, settings: str = "") -> Iterator[SshServer]:
    server = SshServer(folder, list(authorised), settings)
    server.start()
    try:
        yield server
    finally:
        if server.process:
            server.thaw()
        server.stop()


@contextlib.contextmanager
def ssh_agent(*keys: Path, passphrase: str) -> Iterator[str]:
    """A real agent that holds keys; the path of its socket."""
    started = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    told = dict(part.split("=", 1) for line in started.splitlines() for part in line.split(";")[:1] if "=" in part)
    askpass = keys[0].parent / "askpass"
    askpass.write_text(f"#!/bin/sh\nprintf '%s\\n' '{passphrase}'\n")
    askpass.chmod(0o700)
    environment = {**os.environ, **told, "SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":9"}
    try:
        subprocess.run(
            ["ssh-add", *map(str, keys)], env=environment, check=True, capture_output=True, stdin=subprocess.DEVNULL
        )
        yield told["SSH_AUTH_SOCK"]
    finally:
        os.kill(int(told["SSH_AGENT_PID"]), signal.SIGTERM)


def me() -> str:
    return "root" if os.geteuid() == 0 else getpass.getuser()


def free_port() -> int:
    """Below those that the kernel gives out by itself (ip_local_port_range): a server that is stopped for a while finds
    its port free again, though other tests run beside it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def _below(pid: int) -> list[int]:
    """Processes that descend from `pid`, the nearest first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += below
    return found
