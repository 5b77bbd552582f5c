"""A copy of a folder for one run: what the run sees stays as it was when the run began."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import remove_tree
from freehold.base.plain_file import open_plain, stays_inside
from freehold.base.words import size
from freehold.runtime.images.patterns import IGNORE_FILE, IgnoreRules, read_ignore_rules

LARGEST_BYTES = 100 * 1024 * 1024
"""An agent's folder is text and small tools; it is copied for every run."""
MOST_ITEMS, DEEPEST = 10_000, 64
"""Files, folders and links of one, and folders in folders: a copy of more takes longer than a run may wait for it."""

_PIECE = 1024 * 1024
DIRECTORY_MODE, FILE_MODE, PROGRAM_MODE = 0o755, 0o644, 0o755


@dataclass(frozen=True)
class Item:
    """`path` is below the folder; `status` is of a link itself."""

    path: str
    status: os.stat_result


def take_snapshot(folder: Path, target: Path, *, hidden: bool = True, largest_bytes: int = LARGEST_BYTES) -> None:
    """Copy `folder` to `target`, readable by everybody who may enter the directory that `target` lies in.

    Left out: `.git`, `.env*`, `.freehold` at any depth, what `.freeholdignore` lists, and with `hidden=False` every
    name that begins with a dot. What was at `target` before is replaced. Symbolic links stay links.

    Raises `FreeholdError`: CONFIG for a link that leaves the folder, a thing that is no file, and a file that cannot
    be read; TOO_LARGE above `largest_bytes`, `MOST_ITEMS` or `DEEPEST`; DISK when the copy cannot be written. Then
    there is no `target`.
    """
    items = list(listed(folder, hidden=hidden, largest_bytes=largest_bytes))
    remove_tree(target)
    try:
        target.mkdir(mode=DIRECTORY_MODE)
        target.chmod(DIRECTORY_MODE)
        for item in items:
            _copy(folder, item, target)
    except OSError as error:
        remove_tree(target)
        raise FreeholdError(
            Code.DISK, f"{folder} could not be copied for the run: {error}", "Is the disk full, or a file being edited?"
        ) from error
    except BaseException:
        remove_tree(target)
        raise


def listed(folder: Path, *, hidden: bool = True, largest_bytes: int = LARGEST_BYTES) -> Iterator[Item]:
    """What a copy of `folder` would hold, folders before what is in them. Raises CONFIG and TOO_LARGE."""
    try:
        if folder.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "is a link; put the folder itself in its place", str(folder))
        total = 0
        for count, item in enumerate(_walk(folder, "", read_ignore_rules(folder), hidden=hidden), 1):
            total += item.status.st_size if stat.S_ISREG(item.status.st_mode) else 0
            if total > largest_bytes:
                raise _too_large(folder, item.path, size(largest_bytes))
            if count > MOST_ITEMS or item.path.count("/") >= DEEPEST:
                bounds = f"{MOST_ITEMS} files and folders, or folders more than {DEEPEST} deep"
                raise _too_large(folder, item.path, bounds)
            yield item
    except OSError as error:
        raise FreeholdError(
            Code.CONFIG,
            f"{error.filename or folder}: cannot be read: {error.strerror}",
            f"Correct it, or list it in {folder / IGNORE_FILE}.",
        ) from error


def _walk(folder: Path, below: str, ignore: IgnoreRules, *, hidden: bool) -> Iterator[Item]:
    with os.scandir(folder / below) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        path = posixpath.join(below, entry.name)
        is_folder = entry.is_dir(follow_symlinks=False)
        if ignore.ignores(path, is_folder=is_folder) or (not hidden and entry.name.startswith(".")):
            continue
        yield Item(path, entry.stat(follow_symlinks=False))
        if is_folder:
            yield from _walk(folder, path, ignore, hidden=hidden)


def _copy(folder: Path, item: Item, target: Path) -> None:
    source, destination, mode = folder / item.path, target / item.path, item.status.st_mode
    if stat.S_ISDIR(mode):
        destination.mkdir(mode=DIRECTORY_MODE)
        destination.chmod(DIRECTORY_MODE)
    elif stat.S_ISLNK(mode):
        destination.symlink_to(checked_link(folder, source))
    elif stat.S_ISREG(mode):
        _copy_bytes(source, destination, item.status.st_size)
        destination.chmod(PROGRAM_MODE if mode & 0o111 else FILE_MODE)
    else:
        raise FreeholdError(
            Code.CONFIG,
            f"{source} is not a file.",
            f"Sockets, pipes and devices cannot be given to a run: list it in {folder / IGNORE_FILE}.",
        )


def _copy_bytes(source: Path, destination: Path, size_bytes: int) -> None:
    """Not more than there were when they were counted, and not of what took the file's place since."""
    with os.fdopen(open_plain(source), "rb") as reading, destination.open("xb") as writing:
        while size_bytes > 0 and (piece := reading.read(min(size_bytes, _PIECE))):
            writing.write(piece)
            size_bytes -= len(piece)


def checked_link(folder: Path, link: Path) -> Path:
    """What the link says. Raises CONFIG when that is outside of the folder."""
    target = link.readlink()
    if not stays_inside(link, folder):
        raise FreeholdError(
            Code.CONFIG,
            f"{link} is a link to {target}, which is outside of the folder.",
            f"Copy the file into the folder, or list the link in {folder / IGNORE_FILE}.",
        )
    return target


def _too_large(folder: Path, path: str, bounds: str) -> FreeholdError:
    return FreeholdError(
        Code.TOO_LARGE,
        f"{folder} holds more than {bounds}, and it is copied for every run.",
        f"List in {folder / IGNORE_FILE} what the agent does not need (the last file was {path}), "
        "or build it into the image with a Dockerfile.",
    )
