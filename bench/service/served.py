"""A service at work, ours or the peer's: started as a process, asked over HTTP, weighed, and ended."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.figure import MissingError

_PATIENCE_S = 60.0
_LOOK_EVERY_S = 0.002


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


class Served:
    """`root` stands in the command lines of all its processes, and of no other."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], root: Path, port: int) -> None:
        self._command = list(command)
        # Bytecode is written once and read ever after, as it is for people.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._environment = {**inherited, **environment}
        self._log = root.parent / "service.log"
        self.root = root
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Seconds until `GET /health` was answered with 200. Raises `MissingError` when that does not come."""
        began = time.perf_counter()
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._environment, cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.until(lambda: self.health()[0] == 200)
        return time.perf_counter() - began

    def health(self) -> tuple[int, bytes]:
        """Status and body; 0 while nobody answers."""
        try:
            return self.ask("GET", "/health")
        except OSError:
            return 0, b""

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()

    def until(self, what: object) -> None:
        """Wait until `what()` is true."""
        assert callable(what)
        deadline = time.monotonic() + _PATIENCE_S
        while not what():
            if (self.process and self.process.poll() is not None) or time.monotonic() > deadline:
                raise MissingError(f"{self._command[0]} did not come up: {self._last_words()}")
            time.sleep(_LOOK_EVERY_S)

    def memory_mb(self) -> float:
        """Proportional set size (PSS) of all its processes: what they share is counted once."""
        return sum(_pss_kb(pid) for pid in self._processes()) / 1024

    def own_memory_mb(self) -> float:
        """The same of the process that was started alone."""
        assert self.process is not None
        return _pss_kb(self.process.pid) / 1024

    def stop(self) -> None:
        """End the process that was started, then what it left running."""
        if self.process:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_PATIENCE_S)
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = self._processes()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + _PATIENCE_S / 4
            while left and self._processes() and time.monotonic() < deadline:
                time.sleep(_LOOK_EVERY_S * 10)
        if self.process:
            self.process.wait()
            self.process = None

    def _processes(self) -> list[int]:
        mark = os.fsencode(self.root)
        return [pid for pid, words in _command_lines() if mark in words and pid != os.getpid()]

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def _command_lines() -> Iterator[tuple[int, bytes]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(folder.name), (folder / "cmdline").read_bytes()


def _pss_kb(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
