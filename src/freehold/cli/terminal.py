"""This terminal, lent to a program elsewhere: raw keys out, bytes in, size followed, everything put back at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable, Iterator


def size() -> tuple[int, int]:
    """Columns and rows."""
    columns, rows = shutil.get_terminal_size()
    return columns, rows


@contextlib.contextmanager
def raw_mode() -> Iterator[None]:
    """Keys come one by one and unchanged; where standard input is no terminal, nothing changes."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextlib.contextmanager
def key_by_key() -> Iterator[None]:
    """Keys come one by one and are not shown; Ctrl-C goes on to interrupt."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def keys() -> AsyncIterator[bytes]:
    """What is typed (or piped in), as it comes; ends with the input."""
    typed: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    try:
        loop.add_reader(sys.stdin.fileno(), lambda: typed.put_nowait(os.read(sys.stdin.fileno(), 4096)))
    except PermissionError:  # a file or /dev/null, which epoll(7) does not take, and which nobody waits for
        while data := os.read(sys.stdin.fileno(), 4096):
            yield data
        return
    try:
        while data := await typed.get():
            yield data
    finally:
        loop.remove_reader(sys.stdin.fileno())


@contextlib.contextmanager
def on_resize(tell: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, tell)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
