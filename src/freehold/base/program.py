"""Which program this process runs: a client and a keeper of different code should not go on together."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Iterator

from freehold import __version__


@functools.cache
def fingerprint() -> str:
    """Twelve hex digits that change when any of our source files does; costs one `stat` a file (2 ms in all)."""
    package = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120  Path objects would cost twice as much
    digest = hashlib.sha256(__version__.encode())
    for path, modified_ns, size_bytes in sorted(_sources(package)):
        digest.update(f"{path} {modified_ns} {size_bytes}\n".encode())
    return digest.hexdigest()[:12]


def with_sudo(words: str) -> str:
    """`sudo …/freehold WORDS`, as it can be typed: sudo does not look into a virtual environment by itself."""
    import shlex  # not needed for what is asked most often

    program = os.path.join(os.path.dirname(sys.executable), "freehold")  # noqa: PTH118, PTH120  as above
    return f"sudo {shlex.quote(program) if os.path.exists(program) else 'freehold'} {words}"  # noqa: PTH110


def _sources(folder: str, below: str = "") -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                status = entry.stat()
                yield below + entry.name, status.st_mtime_ns, status.st_size
            elif entry.name != "__pycache__" and entry.is_dir():
                yield from _sources(entry.path, f"{below}{entry.name}/")
