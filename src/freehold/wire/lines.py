"""Messages that end with a newline, out of a stream of bytes, with a bound on what one message may be."""

from __future__ import annotations


class LineTooLongError(Exception):
    """A line passed the bound before its newline came. `start` is how it began (≤ 200 bytes)."""

    def __init__(self, longest: int, start: bytes) -> None:
        super().__init__(f"a line of more than {longest} bytes")
        self.longest = longest
        self.start = start


class LineSplitter:
    """Takes bytes as they come and gives whole lines, without their newline; empty lines are skipped.

    What is kept between two calls never exceeds `longest` bytes. Raises `LineTooLongError`; the stream has lost its
    frame then, and the splitter is not to be used again.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._kept: list[bytes] = []
        self._kept_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        first, newline, rest = data.partition(b"\n")
        if not newline:
            self._keep(data)
            return []
        lines = rest.split(b"\n")
        last = lines.pop()
        self._keep(first)
        whole = [b"".join(self._kept), *lines]
        self._kept, self._kept_bytes = [], 0
        for line in whole:
            self._check(len(line), line)
        self._keep(last)
        return [line for line in whole if line.strip()]

    def rest(self) -> bytes:
        """What came after the last newline: a message that its sender did not finish."""
        return b"".join(self._kept)

    def _keep(self, data: bytes) -> None:
        self._kept_bytes += len(data)
        if data:
            self._kept.append(data)
        self._check(self._kept_bytes, self._kept[0] if self._kept else b"")

    def _check(self, size: int, start: bytes) -> None:
        if size > self._longest:
            raise LineTooLongError(self._longest, start[:200])
