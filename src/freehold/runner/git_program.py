"""Asking git about a working tree without anything that the tree's owner configured: no hooks, filters, programs for
differences or watching, and no network.

Git is given a directory of ours as its repository, with a configuration of ours, which borrows the objects of the real
one. So the real one's configuration is never read, and a name in `.gitattributes` leads to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.runner.children import Child, Children
from freehold.runner.repositories import Repository

_LARGEST_SHALLOW = 1024 * 1024
_SHA256_LENGTH = 64
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.quotePath=false",
    "core.bigFileThreshold=1m",  # larger ones are told as binary, and not read whole
    "protocol.allow=never",
    "gc.auto=0",
    "color.ui=false",
)


class GitFailedError(Exception):
    """Why git gave no answer, in words."""


@dataclass(frozen=True)
class Answer:
    """`cut`: git would have said more."""

    output: bytes
    cut: bool = False


class GitProgram:
    """Git on one repository. `scratch` is an empty directory of ours; `base` is what things are compared with."""

    def __init__(self, children: Children, repository: Repository, scratch: Path, base: str) -> None:
        self._children = children
        self._repository = repository
        self._scratch = scratch
        self._lay_out(base)

    async def ask(self, *words: str, most_bytes: int, may_fail: bool = False) -> Answer:
        """What `git words` says. Raises `GitFailedError`, unless it `may_fail`; cancelled, it leaves no process."""
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        child = self._children.start(
            ["git", "--no-pager", "--literal-pathspecs", *settings, *words],
            env=self._environment(),
            cwd=self._repository.path,
            stderr=subprocess.DEVNULL,
        )
        try:
            answer = await _read(child, most_bytes)
            if not answer.cut and await child.wait() != 0 and not may_fail:
                raise GitFailedError(f"git {words[0]} failed")
        finally:
            if child.exit_code is None:
                await child.stop(0.2)
        return answer

    def _lay_out(self, base: str) -> None:
        for name in ("objects", "refs"):
            (self._scratch / name).mkdir(parents=True)
        wide = len(base) == _SHA256_LENGTH
        extension = "[extensions]\n\tobjectformat = sha256\n" if wide else ""
        version = "1" if wide else "0"
        (self._scratch / "config").write_text(f"[core]\n\trepositoryformatversion = {version}\n{extension}")
        (self._scratch / "HEAD").write_text("ref: refs/heads/none\n")
        with contextlib.suppress(OSError):
            from freehold.base.plain_file import read_plain

            shallow = read_plain(self._repository.common_dir / "shallow", _LARGEST_SHALLOW)
            (self._scratch / "shallow").write_bytes(shallow)

    def _environment(self) -> dict[str, str]:
        objects = str(self._repository.common_dir / "objects")
        quoted = objects.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "GIT_DIR": str(self._scratch),
            "GIT_WORK_TREE": str(self._repository.path),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"',
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }


async def _read(child: Child, most_bytes: int) -> Answer:
    assert child.stdout is not None
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), child.stdout)
    try:
        output = b""
        while len(output) <= most_bytes and (piece := await reader.read(65536)):
            output += piece
    finally:
        transport.close()
    return Answer(output[:most_bytes], cut=len(output) > most_bytes)


def names(output: bytes) -> Sequence[str]:
    """Names that were written with a zero byte after each, as the file system has them."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]
