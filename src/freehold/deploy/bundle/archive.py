"""Archives of a program: the same bytes for the same files, whoever makes them and whenever."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from freehold.deploy.bundle.bundle import ProgramFile

_LEVEL = 6
"""Of 92 MB it makes 25 MB in 3 s; level 1 leaves 29 MB after 1 s, level 9 nothing less after 13 s. Python has no zstd
before 3.14, and a server need not have the program."""
_EPOCH = 1_577_836_800
"""2020-01-01: the earliest time of a file."""


def pack(files: Mapping[str, ProgramFile]) -> bytes:
    """A gzip-compressed tar archive of `files`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, file in sorted(files.items()):
            archive.addfile(_header(path, file.content, file.is_executable), io.BytesIO(file.content))
    return _compressed(buffer.getvalue())


def pack_folder(folder: Path, below: str, destination: Path) -> None:
    """The same of every file in `folder`, under `below`, written to `destination` in one step."""
    with tarfile.open(_aside(destination), mode="w:gz", compresslevel=_LEVEL, format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                name = str(PurePosixPath(below, path.relative_to(folder)))
                archive.addfile(_header(name, content, bool(path.stat().st_mode & 0o100)), io.BytesIO(content))
    with _aside(destination).open("rb") as file:
        os.fsync(file.fileno())  # the name must not be on the disk before what it names
    _aside(destination).rename(destination)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _aside(destination: Path) -> Path:
    return destination.with_name(f"{destination.name}.part")


def _header(path: str, content: bytes, is_executable: bool) -> tarfile.TarInfo:
    header = tarfile.TarInfo(path)
    header.size = len(content)
    header.mode = 0o755 if is_executable else 0o644
    # A keeper tells by the times and sizes of its sources whether it is of the same program as its client
    # (base/program.py): what is in a file decides its time.
    header.mtime = _EPOCH + int(hashlib.sha256(content).hexdigest()[:6], 16)
    return header


def _compressed(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data, _LEVEL, mtime=0)
