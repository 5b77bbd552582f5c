"""Commands at a real terminal: each answer is typed when its question is there."""

from __future__ import annotations

import os
import pty
import select
import sys
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


def _read(terminal: int) -> str:
    ready, _, _ = select.select([terminal], [], [], _DEADLINE_S)
    assert ready, "the command neither asked nor ended"
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        return ""  # EIO: how a terminal says that its program has ended
