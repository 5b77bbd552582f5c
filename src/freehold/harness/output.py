"""Output of a command within a bound: its beginning and its end are kept, however much there is between them."""

from __future__ import annotations

import asyncio

LONGEST_HEAD = 20_000
LONGEST_TAIL = 10_000
"""Bytes; 30,000 are about 8,000 tokens, which is what a model reads of one command at most."""


class Output(asyncio.Protocol):
    """Reads a pipe. After `stop_listening` it reads on without keeping anything: a server may go on writing."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0
        self._listening = True
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if not self._listening:
            return
        self._size += len(data)
        room = LONGEST_HEAD - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 8 * LONGEST_TAIL:
            del self._tail[:-LONGEST_TAIL]

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def stop_listening(self) -> None:
        self._listening = False

    def text(self) -> str:
        """Decoded as UTF-8, with U+FFFD for what is not, and a note in the place of what was not kept."""
        tail = bytes(self._tail[-LONGEST_TAIL:])
        cut = self._size - len(self._head) - len(tail)
        if cut <= 0:
            return (bytes(self._head) + tail).decode("utf-8", "replace")
        note = f"\n[... {cut} bytes cut; write the output to a file and read parts of it ...]\n"
        return bytes(self._head).decode("utf-8", "replace") + note + tail.decode("utf-8", "replace")
