"""This machine, as a host: for what is done where Freehold itself runs, and for tests of what is done on hosts."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
from collections.abc import Sequence

from freehold.hosts.process_host import ProcessHost, Spawned

_UNFIT_STATUS, _ABSENT_STATUS = 126, 127


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
        except OSError as error:  # as a shell has it: what is not there, and what cannot be begun
            if shutil.which(argv[0]) is None:
                return _NotBegun(f"{argv[0]}: not found", _ABSENT_STATUS)
            return _NotBegun(f"{argv[0]}: {error.strerror}", _UNFIT_STATUS)
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


class _NotBegun:
    """A program that could not be begun, as a shell tells of it."""

    def __init__(self, complaint: str, status: int) -> None:
        self._complaint = f"{complaint}\n".encode()
        self._status = status

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
        return self._status

    async def end(self) -> None:
        return
