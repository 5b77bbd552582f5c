"""This machine, as a host: for what is done where Freehold itself runs, and for tests of what is done on hosts."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
from collections.abc import Sequence

from freehold.hosts.process_host import ProcessHost, Spawned

NOT_FOUND_STATUS = 127


class LocalHost(ProcessHost):
    """`Host` on this machine, as the user that we are."""

    def __init__(self) -> None:
        super().__init__("this machine", "root" if os.geteuid() == 0 else getpass.getuser())

    async def spawn(self, argv: Sequence[str]) -> Spawned:
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
            )
        except FileNotFoundError:
            return _Absent(argv[0])
        return _Running(process)


class _Running:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self._stdin.write(data)
            await self._stdin.drain()

    def end_input(self) -> None:
        self._stdin.close()

    async def read(self, most_bytes: int) -> bytes:
        return await self._stdout.read(most_bytes)

    async def read_error(self, most_bytes: int) -> bytes:
        return await self._stderr.read(most_bytes)

    async def status(self) -> int:
        status = await self._process.wait()
        return status if status >= 0 else 128 - status

    async def end(self) -> None:
        self._stdin.close()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


class _Absent:
    """A program that is not there, as a shell tells of it."""

    def __init__(self, program: str) -> None:
        self._complaint = f"{program}: not found\n".encode()

    async def write(self, data: bytes) -> None:
        del data

    def end_input(self) -> None:
        return

    async def read(self, most_bytes: int) -> bytes:
        del most_bytes
        return b""

    async def read_error(self, most_bytes: int) -> bytes:
        said, self._complaint = self._complaint[:most_bytes], self._complaint[most_bytes:]
        return said

    async def status(self) -> int:
        return NOT_FOUND_STATUS

    async def end(self) -> None:
        return
