"""All that a host does, on top of one verb: begin a program. SSH and this machine differ in nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Protocol

from freehold.base.errors import Code, FreeholdError
from freehold.hosts import failures
from freehold.hosts.host import LARGEST_OUTPUT, Command, Outcome, RemoteFile
from freehold.hosts.interpreter import Interpreter, interpreter_words, is_program
from freehold.hosts.remote_words import (
    ABSENT_ERRNOS,
    NOT_FOUND_STATUS,
    NOT_READABLE_STATUS,
    SUDO,
    bridge_words,
    get_words,
    put_words,
)
from freehold.hosts.splice import Splices
from freehold.hosts.tar_stream import tar_stream

MOST_AT_ONCE = 6
"""Commands; further ones wait for their turn. A server begins ten sessions on one connection (sshd's MaxSessions), and
some are kept for what has no end: lines that are followed, sockets that are bridged."""
_PIECE_BYTES = 64 * 1024
_PUT_TIMEOUT_S = 600.0
_FORWARD_TIMEOUT_S = 20.0
_LONGEST_LINE_BYTES = 1024 * 1024


class Spawned(Protocol):
    """A program that runs. `ConnectionError` is raised when it cannot be heard any more."""

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more. What nobody reads any more is dropped."""
        ...

    def end_input(self) -> None: ...

    async def read(self, most_bytes: int) -> bytes:
        """Of standard output; empty at its end."""
        ...

    async def read_error(self, most_bytes: int) -> bytes: ...

    async def status(self) -> int: ...

    async def end(self) -> None:
        """End it, as far as that can be done, and let go of it; it may have ended."""
        ...


class ProcessHost:
    """`spawn` begins a program; `user` logs in and, where it is not root, needs sudo for what is done as root. Where it
    `keeps_python`, the host has one open for each user that programs ran as."""

    keeps_python = False

    def __init__(self, name: str, user: str) -> None:
        self._name = name
        self._user = user
        self._may_be_root: asyncio.Task[None] | None = None
        self._interpreters: dict[bool, asyncio.Task[Interpreter | None]] = {}
        self._splices = Splices()
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    @property
    def name(self) -> str:
        return self._name

    async def spawn(self, argv: Sequence[str]) -> Spawned:
        raise NotImplementedError

    async def is_root(self) -> bool:
        return self._user == "root"

    async def run(self, command: Command) -> Outcome:
        if self.keeps_python and is_program(command):
            with self._told(command):
                async with self._room, asyncio.timeout(command.timeout_s):
                    if interpreter := await self._interpreter(command.as_root):
                        return self._bounded(command, await interpreter.run(command))
        return await self._run(command, [command.stdin] if command.stdin else [])

    async def lines(self, command: Command) -> AsyncIterator[bytes]:
        with self._told(command):
            process = await self.spawn(await self._argv(command))
        complaint = asyncio.create_task(_tail(process.read_error))
        try:
            with self._told(command):
                process.end_input()
                async for line in _lines(process.read):
                    yield line
                status = await process.status()
            if status:
                raise failures.command_failed(self._name, command, Outcome(status, b"", await complaint))
        finally:
            await process.end()
            complaint.cancel()
            await asyncio.wait({complaint})

    async def put(self, files: Sequence[RemoteFile], directory: str, *, as_root: bool = False) -> None:
        command = Command(put_words(directory), timeout_s=_PUT_TIMEOUT_S, as_root=as_root)
        outcome = await self._run(command, tar_stream(files))
        if outcome.status:  # tar tells the reason first, and in the end that there was one
            said = outcome.stderr.decode(errors="replace").strip().splitlines()
            raise failures.could_not_put(self._name, directory, said[0] if said else outcome.complaint)

    async def get(self, path: str, *, as_root: bool = False) -> bytes:
        outcome = await self.run(Command(get_words(path), as_root=as_root))
        if outcome.status == NOT_FOUND_STATUS:
            raise failures.no_such_file(self._name, path)
        if outcome.status == NOT_READABLE_STATUS:
            raise failures.may_not_read(self._name, path)
        if outcome.status:
            raise FreeholdError(Code.FAILED, f"{path} on {self._name} could not be read: {outcome.complaint}")
        return outcome.stdout

    async def forward(self, path: str, *, as_root: bool = False) -> socket.socket:
        command = Command(bridge_words(path), timeout_s=_FORWARD_TIMEOUT_S, as_root=as_root)
        with self._told(command):
            argv = await self._argv(command)
            async with asyncio.timeout(command.timeout_s):
                process = await self.spawn(argv)
                try:
                    first = await _first_line(process)
                except BaseException:
                    await process.end()
                    raise
        if first != b"0":
            await process.end()
            raise self._not_connected(path, first)
        return self._splices.open(process.read, process.write, process.end_input, process.end)

    def begin_python(self, *, as_root: bool = False) -> None:
        """Let one start for the programs that will come, where one is kept; nothing waits for it."""
        if self.keeps_python and as_root not in self._interpreters:
            self._interpreters[as_root] = asyncio.create_task(self._begin_python(as_root=as_root))

    async def close(self) -> None:
        await self._splices.close()
        for task in self._interpreters.values():
            task.cancel()
        for begun in await asyncio.gather(*self._interpreters.values(), return_exceptions=True):
            if isinstance(begun, Interpreter):
                await begun.end()

    def lost(self, doing: str) -> FreeholdError:
        """What is said when a program cannot be heard any more."""
        return failures.connection_lost(self._name, doing)

    async def _run(self, command: Command, stdin: Iterable[bytes]) -> Outcome:
        with self._told(command):
            argv = await self._argv(command)
            async with self._room, asyncio.timeout(command.timeout_s):
                process = await self.spawn(argv)
                try:
                    return await self._converse(command, process, stdin)
                finally:
                    await process.end()

    async def _interpreter(self, as_root: bool) -> Interpreter | None:
        """None where there can be none. One that ended is begun anew; a beginning that failed is told, and tried again
        by the next program."""
        begun = self._interpreters.get(as_root)
        if begun and begun.done() and (begun.cancelled() or begun.exception() or _has_ended(begun.result())):
            del self._interpreters[as_root]
        self.begin_python(as_root=as_root)
        return await asyncio.shield(self._interpreters[as_root])

    async def _begin_python(self, *, as_root: bool) -> Interpreter | None:
        argv = await self._argv(Command(interpreter_words(), as_root=as_root))
        process = await self.spawn(argv)
        try:
            return await Interpreter.on(process)
        except BaseException:
            await process.end()
            raise

    def _bounded(self, command: Command, outcome: Outcome) -> Outcome:
        if max(len(outcome.stdout), len(outcome.stderr)) > LARGEST_OUTPUT:
            raise failures.said_too_much(self._name, command)
        return outcome

    async def _converse(self, command: Command, process: Spawned, stdin: Iterable[bytes]) -> Outcome:
        faults: list[FreeholdError] = []
        telling = asyncio.create_task(_tell(process, stdin, faults))
        complaining = asyncio.create_task(self._whole(command, process.read_error))
        try:
            said = await self._whole(command, process.read)
            complaint = await complaining
            status = await process.status()
            if faults:  # of this side: what was to be told could not be read
                raise faults[0]
            return Outcome(status, said, complaint)
        finally:
            for task in (telling, complaining):
                task.cancel()
            await asyncio.gather(telling, complaining, return_exceptions=True)

    async def _whole(self, command: Command, read: Callable[[int], Awaitable[bytes]]) -> bytes:
        content = bytearray()
        while piece := await read(_PIECE_BYTES):
            content += piece
            if len(content) > LARGEST_OUTPUT:
                raise failures.said_too_much(self._name, command)
        return bytes(content)

    async def _argv(self, command: Command) -> tuple[str, ...]:
        if not command.argv or any("\0" in word for word in command.argv):
            raise FreeholdError(Code.USAGE, "a command has at least one word, and no NUL in any")
        if not command.as_root or await self.is_root():
            return command.argv
        if self._may_be_root is None or self._may_be_root.cancelled():
            self._may_be_root = asyncio.create_task(self._require_sudo())
        await asyncio.shield(self._may_be_root)
        return (*SUDO, *command.argv)

    async def _require_sudo(self) -> None:
        """Asked once: its refusal is then told apart from that of the command itself."""
        outcome = await self._run(Command((*SUDO, "true"), timeout_s=20.0), [])
        if outcome.status:
            raise failures.sudo_refused(self._name, self._user)

    @contextlib.contextmanager
    def _told(self, command: Command) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise failures.took_too_long(self._name, command) from None
        except ConnectionError as error:
            raise self.lost(f"{command} was under way") from error

    def _not_connected(self, path: str, first: bytes) -> FreeholdError:
        if first.isdigit() and int(first) in ABSENT_ERRNOS:
            return failures.nobody_listens(self._name, path)
        if first.isdigit():
            return failures.may_not_connect(self._name, path)
        return FreeholdError(
            Code.FAILED,
            f"{path} on {self._name} cannot be reached",
            f"It needs python3 there: freehold env check {self._name}",
        )


def _has_ended(interpreter: Interpreter | None) -> bool:
    return interpreter is not None and interpreter.ended


async def _tell(process: Spawned, stdin: Iterable[bytes], faults: list[FreeholdError]) -> None:
    try:
        for piece in stdin:
            await process.write(piece)
    except FreeholdError as fault:
        faults.append(fault)
        await process.end()
        return
    process.end_input()


async def _tail(read: Callable[[int], Awaitable[bytes]]) -> bytes:
    content = b""
    with contextlib.suppress(ConnectionError):
        while piece := await read(_PIECE_BYTES):
            content = (content + piece)[-_PIECE_BYTES:]
    return content


async def _lines(read: Callable[[int], Awaitable[bytes]]) -> AsyncIterator[bytes]:
    """Lines with their ends; one of more than a megabyte is given in pieces."""
    rest = b""
    while piece := await read(_PIECE_BYTES):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > _LONGEST_LINE_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest


async def _first_line(process: Spawned) -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < 16:
        byte = await process.read(1)
        if not byte:
            break
        line += byte
    return line.strip()
