"""Text that comes in pieces, as whole lines of a terminal: only those can stand above a line that is being typed."""

from __future__ import annotations

_INDENT = "  "
_ESCAPE = "\x1b"


class LiveText:
    """`add` gives the lines that are whole; `rest` is the line that is being written.

    A line that grows longer than `width` columns is broken between words, so that it is seen while it grows.
    """

    def __init__(self, width: int) -> None:
        self.width = max(width, 20)
        self.rest = ""

    def add(self, text: str) -> list[str]:
        *whole, self.rest = (self.rest + text).split("\n")
        lines: list[str] = []
        for line in whole:
            *full, last = self._broken(line)
            lines += [*full, last]
        *full, self.rest = self._broken(self.rest)
        return [*lines, *full]

    def finish(self) -> list[str]:
        """The line that was being written, if there is one."""
        rest, self.rest = self.rest, ""
        return [rest] if rest.strip() else []

    def _broken(self, line: str) -> list[str]:
        """`line`, as often as needed at its last space that fits; coloured ones are short, and left to the terminal."""
        pieces: list[str] = []
        while len(line) > self.width and _ESCAPE not in line:
            cut = line.rfind(" ", len(_INDENT) + 1, self.width + 1)
            if cut < 0:
                cut = self.width
            pieces.append(line[:cut])
            line = _INDENT + line[cut:].lstrip(" ")
        return [*pieces, line]
