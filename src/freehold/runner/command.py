"""Running one shell command of a run to its end: hooks, context commands, the test script."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from freehold.runner.children import Child, Children

_LAST_WORDS_S = 1.0
"""How long output may trail the end of its process; a server that a hook left behind may hold the pipe for ever."""


@dataclass(frozen=True)
class Ended:
    exit_code: int
    timed_out: bool = False


class Reader(asyncio.Protocol):
    """Decodes a pipe as UTF-8 (what is not, becomes U+FFFD) and hands the text on until nobody listens any more."""

    def __init__(self, hand_on: Callable[[str], None]) -> None:
        self._hand_on: Callable[[str], None] | None = hand_on
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if self._hand_on:
            self._hand_on(self._decoder.decode(data))

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._hand_on:
            self._hand_on(self._decoder.decode(b"", final=True))
        if not self.ended.done():
            self.ended.set_result(None)

    def stop_listening(self) -> None:
        """Read on, so that whoever writes is not killed by SIGPIPE, but hand nothing on."""
        self._hand_on = None


async def read_pipe(pipe: IO[bytes] | None, hand_on: Callable[[str], None]) -> Reader:
    assert pipe is not None
    _, reader = await asyncio.get_running_loop().connect_read_pipe(lambda: Reader(hand_on), pipe)
    return reader


async def run_command(
    children: Children,
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str,
    on_output: Callable[[str], None],
    on_error: Callable[[str], None] | None = None,
    timeout_s: float | None = None,
) -> Ended:
    """Run `command`; its output goes to `on_output` as it comes (standard error too, unless `on_error` takes it).

    After `timeout_s`, or when we are cancelled, its process group is ended. Raises `FreeholdError` when it cannot be
    started, nothing for how it ends.
    """
    stderr = subprocess.PIPE if on_error else subprocess.STDOUT
    child = children.start(command, env=env, cwd=cwd, stderr=stderr)
    readers = [await read_pipe(child.stdout, on_output)]
    if on_error:
        readers.append(await read_pipe(child.stderr, on_error))
    try:
        ended = await _wait(child, timeout_s)
    finally:
        if child.exit_code is None:
            await child.stop()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(asyncio.shield(reader.ended) for reader in readers)), _LAST_WORDS_S)
    for reader in readers:
        reader.stop_listening()
    return ended


async def _wait(child: Child, timeout_s: float | None) -> Ended:
    try:
        return Ended(await asyncio.wait_for(child.wait(), timeout_s))
    except TimeoutError:
        return Ended(await child.stop(), timed_out=True)
