"""Commands at a real terminal: each answer is typed when its question is there."""

from __future__ import annotations

import os
import pty
import select
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path

_DEADLINE_S = 60.0


def at_terminal(
    words: Sequence[str],
    dialogue: Sequence[tuple[str, str]],
    *,
    home: Path,
    folder: Path,
    no_color: str = "1",
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple[int, str]:
    """Run `freehold WORDS` in `folder`, answering each (question, answer) in turn; exit code and what was shown.

    `meanwhile` is done between each question and its answer.
    """
    environ = {**os.environ, "FREEHOLD_HOME": str(home), "NO_COLOR": no_color}
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execve(sys.executable, [sys.executable, "-m", "freehold", *words], environ)
    shown = ""
    for question, answer in dialogue:
        seen = len(shown)
        while question not in shown[seen:]:
            piece = _read(terminal)
            assert piece, f"no question {question!r} in: {shown}"
            shown += piece
        meanwhile()
        os.write(terminal, f"{answer}\n".encode())
    while piece := _read(terminal):
        shown += piece
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.replace("\r\n", "\n")


class Typist:
    """Somebody at a terminal of `columns` by 40, with `freehold WORDS` running in it."""

    def __init__(self, words: Sequence[str], *, home: Path, folder: Path, columns: int = 80) -> None:
        environ = {**os.environ, "FREEHOLD_HOME": str(home), "NO_COLOR": "1", "TERM": "xterm"}
        environ = {name: value for name, value in environ.items() if name not in ("COLUMNS", "LINES")}
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            termios.tcsetwinsize(0, (40, columns))
            os.chdir(folder)
            os.execve(sys.executable, [sys.executable, "-m", "freehold", *words], environ)
        self.shown = ""
        self._followed = 0

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until `text` was shown that often since the start."""
        while self.shown.count(text) < times:
            self._read_on(text)

    def follow(self, *texts: str) -> None:
        """Until each was shown after the one before, and after those of earlier calls: a question is drawn anew with
        each key that is typed."""
        for text in texts:
            while (at := self.shown.find(text, self._followed)) < 0:
                self._read_on(text)
            self._followed = at + len(text)

    def _read_on(self, text: str) -> None:
        piece = _read(self._terminal)
        assert piece, f"no {text!r} in: {self.shown}"
        self.shown = (self.shown + piece).replace("\r\n", "\n")

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def end(self) -> tuple[int, str]:
        """Exit code, and everything that was shown, once the command has ended."""
        while piece := _read(self._terminal):
            self.shown = (self.shown + piece).replace("\r\n", "\n")
        _, status = os.waitpid(self._process, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status), self.shown


def _read(terminal: int) -> str:
    ready, _, _ = select.select([terminal], [], [], _DEADLINE_S)
    assert ready, "the command neither asked nor ended"
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        return ""  # EIO: how a terminal says that its program has ended
