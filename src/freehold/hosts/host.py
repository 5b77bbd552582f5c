"""The seam to a machine that work is done on: over SSH, this one, or a fake."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

LARGEST_OUTPUT = 64 * 1024 * 1024
"""Bytes of either stream of one command; more is an error, and whoever wants that much streams it (`lines`)."""

PROGRAM = ("python3", "-I", "-")
"""Words of a command that is a Python program, given on standard input; a last one is its name. A host may keep Python
open for such."""


@dataclass(frozen=True)
class Command:
    """A command as data. `argv` is given to the program as it is, whatever is in it; nothing of it is secret: other
    users of the host can read it. `timeout_s` is for the whole of it. `as_root` goes through `sudo -n` where the user
    of the host is not root."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    timeout_s: float = 60.0
    as_root: bool = False

    def __str__(self) -> str:
        return self.argv[0] if self.argv else ""


@dataclass(frozen=True)
class Outcome:
    """How a command ended. A signal N is the status 128 + N, as shells have it."""

    status: int
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def text(self) -> str:
        """What it said, without the white space around it; what is no UTF-8 is replaced."""
        return self.stdout.decode(errors="replace").strip()

    @property
    def complaint(self) -> str:
        """The last line that it said to standard error, or else to standard output."""
        said = self.stderr.decode(errors="replace").strip() or self.text
        return said.splitlines()[-1] if said else ""


@dataclass(frozen=True)
class RemoteFile:
    """A file to be put: `path` is relative and has no `..`; `content` are its bytes, or a file of this machine."""

    path: str
    content: bytes | Path
    mode: int = 0o644


class Host(Protocol):
    """A machine, by one connection that is kept until `close`.

    Promises, for every implementation (`tests/real/hosts/test_host_contract.py`):
    - `FreeholdError` is all that is raised: UNREACHABLE when the connection broke (then nobody knows how far a command
      came), TIMEOUT when a command took longer than it may (it may go on there), DENIED when sudo refuses, NOT_FOUND
      for what is not there.
    - a command that fails is no error: its outcome says so.
    - several calls may be under way at once.
    """

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    async def run(self, command: Command) -> Outcome:
        """The outcome of a command. A program that is not there has the status 127."""
        ...

    def lines(self, command: Command) -> AsyncIterator[bytes]:
        """What a command writes to standard output, line by line and as it comes, without an end unless it ends itself;
        its `timeout_s` does not count. The command is ended when nobody reads on. Raises FAILED when it fails."""
        ...

    async def put(self, files: Sequence[RemoteFile], directory: str, *, as_root: bool = False) -> None:
        """Write the files below `directory`, which is made, with their modes; each replaces what was at its path."""
        ...

    async def get(self, path: str, *, as_root: bool = False) -> bytes:
        """The content of a file. Raises NOT_FOUND, or DENIED when it may not be read."""
        ...

    async def forward(self, path: str, *, as_root: bool = False) -> socket.socket:
        """A blocking socket of this machine that leads to the unix socket at `path` there. Whoever gets it closes it.
        Raises NOT_FOUND when nobody listens there, DENIED when this user must not connect."""
        ...

    async def close(self) -> None:
        """End the connection, and what still goes through it."""
        ...
