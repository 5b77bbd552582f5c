"""A host in memory, for tests: it keeps files, and answers commands as it was told to."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from freehold.base.errors import FreeholdError
from freehold.hosts import failures
from freehold.hosts.host import PROGRAM, Command, Outcome, RemoteFile
from freehold.hosts.tar_stream import require_inside

Reply = Outcome | FreeholdError | Callable[[Command], Outcome]


@dataclass
class StoredFile:
    content: bytes
    mode: int = 0o644
    as_root: bool = False


@dataclass
class FakeHost:
    """`replies` are by the beginning of a command's words, the longest one counting; a command without one is not there
    (127). `scripts` are by name: what a script of that name would answer to its document. `sockets` are by path: what
    is called with the other end of a connection. `ran` is every command, in order."""

    name: str = "fake"
    replies: dict[tuple[str, ...], Reply] = field(default_factory=dict)
    scripts: dict[str, Callable[[Any], object]] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    sockets: dict[str, Callable[[socket.socket], None]] = field(default_factory=dict)
    ran: list[Command] = field(default_factory=list)
    sudo: bool = True
    closed: bool = False
    cut: bool = False
    """Set it, and the connection is broken from then on."""

    async def run(self, command: Command) -> Outcome:
        self._require(command.as_root, f"{command} was under way")
        self.ran.append(command)
        if command.argv[:-1] == PROGRAM and command.argv[3] in self.scripts:
            return self._script(command)
        reply = self._reply_to(command)
        if callable(reply):
            try:
                async with asyncio.timeout(command.timeout_s):
                    reply = await asyncio.to_thread(reply, command)
            except TimeoutError:
                raise failures.took_too_long(self.name, command) from None
        if isinstance(reply, FreeholdError):
            raise reply
        return reply

    async def lines(self, command: Command) -> AsyncIterator[bytes]:
        outcome = await self.run(command)
        for line in outcome.stdout.splitlines(keepends=True):
            yield line
        if outcome.status:
            raise failures.command_failed(self.name, command, Outcome(outcome.status, b"", outcome.stderr))

    async def put(self, files: Sequence[RemoteFile], directory: str, *, as_root: bool = False) -> None:
        self._require(as_root, f"{directory} was written")
        for file in files:
            require_inside(file.path)
            content = file.content.read_bytes() if isinstance(file.content, Path) else file.content
            self.files[str(PurePosixPath(directory, file.path))] = StoredFile(content, file.mode, as_root)

    async def get(self, path: str, *, as_root: bool = False) -> bytes:
        self._require(as_root, f"{path} was read")
        if path not in self.files:
            raise failures.no_such_file(self.name, path)
        return self.files[path].content

    async def forward(self, path: str, *, as_root: bool = False) -> socket.socket:
        self._require(as_root, f"{path} was asked for")
        if path not in self.sockets:
            raise failures.nobody_listens(self.name, path)
        ours, theirs = socket.socketpair()
        self.sockets[path](theirs)
        return ours

    async def close(self) -> None:
        self.closed = True

    def _require(self, as_root: bool, doing: str) -> None:
        if self.cut or self.closed:
            raise failures.connection_lost(self.name, doing)
        if as_root and not self.sudo:
            raise failures.sudo_refused(self.name, "somebody")

    def _script(self, command: Command) -> Outcome:
        told = json.loads(script_document(command))
        try:
            answer: dict[str, object] = {"answer": self.scripts[command.argv[3]](told)}
        except FreeholdError as error:
            answer = {"error": error.as_dict()}
        return Outcome(0, json.dumps(answer).encode())

    def _reply_to(self, command: Command) -> Reply:
        for length in range(len(command.argv), 0, -1):
            if command.argv[:length] in self.replies:
                return self.replies[command.argv[:length]]
        return Outcome(127, b"", f"{command}: not found\n".encode())


def script_document(command: Command) -> str:
    """The JSON that `run_script` sent along with a program."""
    import ast

    calls = [node for node in ast.walk(ast.parse(command.stdin)) if isinstance(node, ast.Call)]
    loads = next(call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "loads")
    document = ast.literal_eval(loads.args[0])
    assert isinstance(document, str)
    return document
