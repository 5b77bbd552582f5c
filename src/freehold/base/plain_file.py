"""Reading files whose author is not known: a project may be a stranger's."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from freehold.base.words import size

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def open_plain(path: Path) -> int:
    """A descriptor of the plain file at `path`, read-only. Nothing is waited for: a pipe has no end, a device any.

    Raises `OSError`, whose `strerror` ends a sentence, for a link at `path` itself and for what is no file.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise OSError(errno.ELOOP, "is a link; put the file itself in its place", str(path)) from None
        if error.errno == errno.ENXIO:  # a socket
            raise OSError(errno.EINVAL, "is no plain file", str(path)) from None
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "is no plain file", str(path))


def stays_inside(link: Path, folder: Path) -> bool:
    """Whether a symbolic link is relative and ends in `folder`, however many others it goes through or round."""
    # `Path.resolve` raises RuntimeError for links that go round (until Python 3.13).
    return not link.readlink().is_absolute() and Path(os.path.realpath(link)).is_relative_to(os.path.realpath(folder))


def read_plain(path: Path, most_bytes: int) -> bytes:
    """The content of the plain file at `path`. Raises `OSError` as `open_plain`, and above `most_bytes`."""
    with os.fdopen(open_plain(path), "rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"is larger than {size(most_bytes)}", str(path))
    return data
