"""Files as a tar stream, made as it is read: nothing of it is on a disk, and little in memory."""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.host import RemoteFile

_PIECE_BYTES = 256 * 1024
_BLOCK_BYTES = 512


def tar_stream(files: Sequence[RemoteFile]) -> Iterator[bytes]:
    """The archive, in pieces of 256 kB, since each costs a packet or more; all in it belongs to whoever unpacks it.

    Raises USAGE for a path that leads out of the directory, CONFLICT for a file that changed its size meanwhile, FAILED
    for one that cannot be read.
    """
    for file in files:  # before anything is sent
        require_inside(file.path)
    waiting = bytearray()
    for piece in _pieces(files):
        waiting += piece
        while len(waiting) >= _PIECE_BYTES:
            yield bytes(waiting[:_PIECE_BYTES])
            del waiting[:_PIECE_BYTES]
    yield bytes(waiting)


def _pieces(files: Sequence[RemoteFile]) -> Iterator[bytes]:
    for file in files:
        try:
            yield from _entry(file)
        except OSError as error:
            raise FreeholdError(Code.FAILED, f"{file.content!s} cannot be read: {error.strerror}") from None
    yield bytes(2 * _BLOCK_BYTES)


def _entry(file: RemoteFile) -> Iterator[bytes]:
    header = tarfile.TarInfo(file.path)
    header.mode = stat.S_IMODE(file.mode)
    if isinstance(file.content, bytes):
        header.size = len(file.content)
        yield header.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        yield file.content
    else:
        header.size = file.content.stat().st_size
        yield header.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        yield from _content(file.content, header.size)
    yield bytes(-header.size % _BLOCK_BYTES)


def _content(path: Path, size_bytes: int) -> Iterator[bytes]:
    left = size_bytes
    with path.open("rb") as source:
        while piece := source.read(min(_PIECE_BYTES, left)):
            left -= len(piece)
            yield piece
    if left:
        raise FreeholdError(Code.CONFLICT, f"{path} became shorter while it was sent", "Try again.")


def require_inside(path: str) -> None:
    """Raises USAGE unless `path` is relative and stays below where it begins."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or not pure.parts or ".." in pure.parts or "\0" in path:
        raise FreeholdError(Code.USAGE, f'"{path}" is no path below a directory')
