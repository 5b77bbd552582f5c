"""The service under load, and who starts it again when it was killed, as systemd would."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from pathlib import Path

from bench.soak.project import SoakProject
from freehold.wire.keeper import LOCK_FILE

RESTART_WITHIN_S = 2.0
_PROGRAM = Path(sys.executable).parent / "freehold"


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


class Service:
    """`start --headless` at a port of its own. `by_themselves` tells of processes that ended though nobody killed them.

    The keeper is started by the service; it is known by the lock that it holds.
    """

    def __init__(self, project: SoakProject, chance: random.Random) -> None:
        self.project = project
        self.port = free_port()
        self.log = project.root.parent / "service.log"
        self.starts = 0
        self.killed: set[int] = set()
        self.keepers: list[int] = []
        self.by_themselves: list[str] = []
        self._chance = chance
        self._process: asyncio.subprocess.Process | None = None
        self._ending = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        return (self.project.home / "credentials/gateway_api_key/default/key").read_text().strip()

    @property
    def pid(self) -> int | None:
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive and self._process else None

    def keeper_pid(self) -> int | None:
        """Who holds the keeper's lock; None when nobody does."""
        with contextlib.suppress(FileNotFoundError):
            inode = (self.project.state / LOCK_FILE).stat().st_ino
            for line in Path("/proc/locks").read_text().splitlines():
                words = line.split()
                if words[1] == "FLOCK" and int(words[5].rpartition(":")[2]) == inode:
                    return int(words[4])
        return None

    async def run(self) -> None:
        """Keep it up until `end`."""
        while not self._ending:
            with self.log.open("ab") as log:
                words = ("-p", str(self.project.root), "start", "--headless", "--port", str(self.port))
                self._process = await asyncio.create_subprocess_exec(
                    _PROGRAM, *words, env=dict(self.project.environment), stdin=asyncio.subprocess.DEVNULL,
                    stdout=log, stderr=log,
                )  # fmt: skip
            self.starts += 1
            code = await self._process.wait()
            if self._process.pid not in self.killed and not self._ending:
                self.by_themselves.append(f"the service (process {self._process.pid}) ended with code {code}")
            if not self._ending:
                await asyncio.sleep(self._chance.uniform(0, RESTART_WITHIN_S))

    def look_at_keeper(self) -> int | None:
        """Its process id; notes when one is gone that nobody killed."""
        pid = self.keeper_pid()
        if pid is not None and (not self.keepers or self.keepers[-1] != pid):
            before = self.keepers[-1] if self.keepers else None
            if before is not None and before not in self.killed:
                self.by_themselves.append(f"the keeper (process {before}) ended by itself")
            self.keepers.append(pid)
        return pid

    def kill_service(self) -> bool:
        return self._kill(self.pid)

    def kill_keeper(self) -> bool:
        return self._kill(self.look_at_keeper())

    def _kill(self, pid: int | None) -> bool:
        if pid is None:
            return False
        self.killed.add(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text()[-1000:] if self.log.exists() else "it said nothing"

    async def end(self) -> int:
        """As systemd does; the exit code."""
        self._ending = True
        if self._process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        return await asyncio.wait_for(self._process.wait(), 30)

    async def freehold(self, *words: str, said: bytes | None = None) -> tuple[int, str, str]:
        """`freehold WORDS` in the project: its exit code, and what it said."""
        process = await asyncio.create_subprocess_exec(
            _PROGRAM, "-p", str(self.project.root), *words, env=dict(self.project.environment),
            stdin=asyncio.subprocess.PIPE if said else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(said)
        return process.returncode or 0, out.decode(), err.decode()
