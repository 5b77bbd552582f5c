"""The fixed programs by which files and sockets of a host are reached, and the one place that quotes for its shell."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Sequence

SUDO = ("sudo", "-n", "--")
NOT_FOUND_STATUS, NOT_READABLE_STATUS = 44, 45

_GET = f'[ -f "$1" ] || exit {NOT_FOUND_STATUS}; [ -r "$1" ] || exit {NOT_READABLE_STATUS}; exec cat -- "$1"'
_PUT = 'umask 022; mkdir -p -- "$1" && exec tar -x -p --no-same-owner -f - -C "$1"'

_BRIDGE = """\
import os, socket, sys, threading
there = socket.socket(socket.AF_UNIX)
try:
    there.connect(sys.argv[1])
except OSError as error:
    os.write(1, b"%d\\n" % error.errno)
    sys.exit(1)
os.write(1, b"0\\n")
def up():
    while data := os.read(0, 65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := there.recv(65536):
    while data:
        data = data[os.write(1, data):]
"""

ABSENT_ERRNOS = frozenset({errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR})


def get_words(path: str) -> tuple[str, ...]:
    """Ends with one of the two statuses above when there is nothing to be read."""
    return ("sh", "-c", _GET, "sh", path)


def put_words(directory: str) -> tuple[str, ...]:
    """Takes a tar stream on standard input."""
    return ("sh", "-c", _PUT, "sh", directory)


def bridge_words(path: str) -> tuple[str, ...]:
    """Joins its standard streams with a unix socket, after a first line with 0, or the number of the error."""
    return ("python3", "-I", "-c", _BRIDGE, path)


def command_line(argv: Sequence[str]) -> str:
    """One line for a login shell, which makes the same words of it again. SSH carries no lists (RFC 4254 §6.5)."""
    return shlex.join(argv)
