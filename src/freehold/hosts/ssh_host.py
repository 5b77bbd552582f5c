"""A server over SSH: one connection for everything."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from freehold.base.errors import Code, FreeholdError
from freehold.hosts import failures
from freehold.hosts.process_host import ProcessHost, Spawned
from freehold.hosts.remote_words import command_line
from freehold.hosts.ssh_login import Login, log_in
from freehold.hosts.target import Target
from freehold.store.known_hosts import KnownHosts

if TYPE_CHECKING:
    import asyncssh

_CLOSING_S = 5.0
_FORWARD_TIMEOUT_S = 20.0
_NO_STATUS = 255
"""As ssh(1) has it for what ended without one."""


async def open_ssh_host(target: Target, known: KnownHosts) -> SshHost:
    """Log in. Raises what `log_in` raises; whoever gets the host closes it."""
    return SshHost(target.called, await log_in(target, known))


class SshHost(ProcessHost):
    """`Host` over one SSH connection. Its event loop must run for forwarded sockets to go on."""

    keeps_python = True

    def __init__(self, name: str, login: Login) -> None:
        super().__init__(name, login.user)
        self._connection = login.connection
        self._through = login.through
        self.host_key = login.host_key

    async def spawn(self, argv: Sequence[str]) -> Spawned:
        import asyncssh

        try:
            process = await self._connection.create_process(
                command_line(argv), encoding=None, stdin=asyncssh.PIPE, stdout=asyncssh.PIPE, stderr=asyncssh.PIPE
            )
        except (asyncssh.DisconnectError, OSError) as error:
            raise ConnectionResetError(str(error)) from error
        except asyncssh.ChannelOpenError as error:
            if self._connection.is_closed():
                raise ConnectionResetError(str(error)) from error
            raise FreeholdError(
                Code.UNREACHABLE, f"{self.name} begins no further command", "Has it too many sessions? Try again."
            ) from None
        return _RemoteProcess(process)

    async def forward(self, path: str, *, as_root: bool = False) -> socket.socket:
        if not as_root or await self.is_root():
            import asyncssh

            # A refusal says nothing of why: then the bridge is asked, which knows.
            with contextlib.suppress(asyncssh.ChannelOpenError):
                return await self._forward_directly(path)
        return await super().forward(path, as_root=as_root)

    async def _forward_directly(self, path: str) -> socket.socket:
        import asyncssh

        try:
            async with asyncio.timeout(_FORWARD_TIMEOUT_S):
                reader, writer = await self._connection.open_unix_connection(path, encoding=None)
        except TimeoutError:
            raise failures.connection_lost(self.name, f"{path} was asked for") from None
        except (asyncssh.DisconnectError, OSError) as error:
            raise self.lost(f"{path} was asked for") from error
        stream = _Stream(reader, writer)
        return self._splices.open(stream.read, stream.write, stream.end_input, stream.end)

    async def close(self) -> None:
        await super().close()
        for connection in (self._connection, *reversed(self._through)):
            connection.close()
            try:
                async with asyncio.timeout(_CLOSING_S):
                    await connection.wait_closed()
            except TimeoutError:  # a peer that is gone says no farewell
                connection.abort()


class _Stream:
    """A reader and a writer of asyncssh, saying `ConnectionError` when the connection is gone."""

    def __init__(self, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, most_bytes: int) -> bytes:
        import asyncssh

        try:
            return await self._reader.read(most_bytes)
        except (asyncssh.DisconnectError, asyncssh.ChannelOpenError) as error:
            raise ConnectionResetError(str(error)) from error

    async def write(self, data: bytes) -> None:
        import asyncssh

        try:
            self._writer.write(data)
            await self._writer.drain()
        except (asyncssh.DisconnectError, OSError) as error:
            raise BrokenPipeError(str(error)) from error

    def end_input(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def end(self) -> None:
        self._writer.close()


class _RemoteProcess:
    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process
        self._stdout = _Stream(process.stdout, process.stdin)
        self._stderr = _Stream(process.stderr, process.stdin)

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # whoever does not read it any more says how it ended
            await self._stdout.write(data)

    def end_input(self) -> None:
        self._stdout.end_input()

    async def read(self, most_bytes: int) -> bytes:
        return await self._stdout.read(most_bytes)

    async def read_error(self, most_bytes: int) -> bytes:
        return await self._stderr.read(most_bytes)

    async def status(self) -> int:
        """Raises `ConnectionError` when it ended without saying how: then the connection did."""
        await self._process.wait_closed()
        if self._process.exit_signal:
            return _signalled(self._process.exit_signal[0])
        if self._process.exit_status is None:
            raise ConnectionResetError("it ended without a status")
        return self._process.exit_status

    async def end(self) -> None:
        if self._process.exit_status is None and not self._process.is_closing():
            with contextlib.suppress(OSError):
                self._process.kill()
        self._process.close()


def _signalled(name: str) -> int:
    import signal

    number = getattr(signal, f"SIG{name}", None)
    return 128 + number if number else _NO_STATUS
