"""The build context: the files of a folder that a Dockerfile reads, and a digest of them.

Only what COPY, ADD or a bind mount names is taken, so that an edit of any other file (SKILL.md, usually) changes no
image. What is hashed is what is sent.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import posixpath
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.base import words
from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_file import open_plain, stays_inside
from freehold.project.dockerfiles.syntax import Dockerfile, Instruction, unquote
from freehold.runtime.images.patterns import IGNORE_FILE, IgnoreRules, Selection, read_ignore_rules
from freehold.runtime.images.staging import room_for, set_mode

LARGEST_BYTES = 200 * 1024 * 1024
"""More than any set of scripts and small data; what is larger is better fetched by a RUN line, or mounted."""
MOST_ENTRIES, DEEPEST = 20_000, 64
"""Files and links that a Dockerfile copies, and folders in folders."""

_EVERYTHING = Selection((".",))
_REMOTE = ("http://", "https://", "git@", "git://", "ssh://")


@dataclass(frozen=True)
class Entry:
    """A file or symbolic link. `digest` is of a file's bytes, or is a link's target."""

    path: str
    is_link: bool
    is_executable: bool
    size_bytes: int
    digest: str


@dataclass(frozen=True)
class Context:
    folder: Path
    entries: tuple[Entry, ...]

    @property
    def digest(self) -> str:
        """Of names, contents and the executable bit; not of times, owners and other bits, which Docker ignores too."""
        digest = hashlib.sha256()
        for entry in self.entries:
            digest.update(
                f"{entry.path}\0{entry.is_link}{entry.is_executable}\0{entry.digest}\0".encode(
                    "utf-8", "surrogateescape"
                )
            )
        return digest.hexdigest()

    def stage(self, target: Path) -> None:
        """Copy the entries to the empty directory `target`.

        Raises `FreeholdError` (CONFLICT) when a file changed since it was hashed: the image would carry a wrong name.
        """
        for entry in self.entries:
            destination = room_for(target, entry.path)
            if entry.is_link:
                destination.symlink_to(entry.digest)
                continue
            shutil.copyfile(self.folder / entry.path, destination, follow_symlinks=False)
            set_mode(destination, is_executable=entry.is_executable)
            if _file_digest(destination) != entry.digest:
                raise FreeholdError(
                    Code.CONFLICT,
                    f"{self.folder / entry.path} changed while it was read for a build",
                    "Run the same command again.",
                )


def selection(dockerfile: Dockerfile) -> Selection:
    """What the instructions of `dockerfile` read from the context."""
    sources: list[str] = []
    for instruction in dockerfile.instructions:
        if instruction.keyword == "RUN" and any(_mounts_context(word) for word in instruction.arguments.split()):
            return _EVERYTHING
        if instruction.keyword in {"COPY", "ADD"} and "from" not in instruction.flags:
            sources += _sources(instruction)
    if any("$" in source for source in sources):
        return _EVERYTHING
    return Selection(tuple(sorted({_normal(source) for source in sources})))


def _mounts_context(word: str) -> bool:
    if not word.startswith("--mount="):
        return False
    options = word.removeprefix("--mount=").split(",")
    has_source = any(option.startswith("from=") for option in options)
    return not has_source and not any(option.startswith("type=") and option != "type=bind" for option in options)


def _sources(instruction: Instruction) -> list[str]:
    operands = list(instruction.operands)
    text = " ".join(operands)
    if text.startswith("["):
        try:
            operands = [str(word) for word in json.loads(text)]
        except ValueError:
            return ["."]
    return [unquote(word) for word in operands[:-1] if not word.startswith((*_REMOTE, "<<"))]


def _normal(source: str) -> str:
    """Docker's reading: every path begins at the context, and nothing climbs out of it."""
    return posixpath.normpath("/" + source).lstrip("/") or "."


def collect(folder: Path, chosen: Selection) -> Context:
    """What `chosen` takes of `folder`, in the order of the paths, less what is ignored.

    Raises `FreeholdError` (CONFIG) for links that leave the folder and things that are no files, (TOO_LARGE) above
    `LARGEST_BYTES`.
    """
    entries: list[Entry] = []
    try:
        entries.extend(_entry(folder, path) for path in taken(folder, chosen))
    except OSError as error:
        raise FreeholdError(
            Code.CONFIG,
            f"{error.filename or folder}: cannot be read for the build: {error.strerror}",
            f"Correct it, or list it in {folder / IGNORE_FILE}.",
        ) from error
    return Context(folder, tuple(entries))


def taken(folder: Path, chosen: Selection) -> Iterator[str]:
    """The paths that `collect` takes, unread. Raises TOO_LARGE as it does, and OSError."""
    if not chosen.sources:
        return
    total = 0
    for number, path in enumerate(_paths(folder, "", read_ignore_rules(folder), chosen)):
        total += (folder / path).lstat().st_size
        if total > LARGEST_BYTES or number >= MOST_ENTRIES:
            raise _too_large(folder, path)
        yield path


def _too_large(folder: Path, path: str) -> FreeholdError:
    return FreeholdError(
        Code.TOO_LARGE,
        f"{folder}: the files that the Dockerfile copies are more than {words.size(LARGEST_BYTES)} or {MOST_ENTRIES}",
        f"Name the files in COPY, or list in {IGNORE_FILE} what is not needed (the last one was {path}).",
    )


def _paths(folder: Path, below: str, ignore: IgnoreRules, chosen: Selection) -> Iterator[str]:
    if below.count("/") >= DEEPEST:
        raise OSError(errno.ENAMETOOLONG, f"is more than {DEEPEST} folders deep", str(folder / below))
    with os.scandir(folder / below) as listing:
        found = sorted(listing, key=lambda item: item.name)
    for item in found:
        path = posixpath.join(below, item.name)
        is_folder = item.is_dir(follow_symlinks=False)
        if ignore.ignores(path, is_folder=is_folder):
            continue
        if is_folder and chosen.reaches_into(path):
            yield from _paths(folder, path, ignore, chosen)
        elif not is_folder and chosen.takes(path):
            yield path


def _entry(folder: Path, path: str) -> Entry:
    source = folder / path
    status = source.lstat()
    if stat.S_ISLNK(status.st_mode):
        target = str(source.readlink())
        if not stays_inside(source, folder):
            raise FreeholdError(
                Code.CONFIG,
                f"{source} is a link to {target}, which is outside of the folder",
                f"Copy the file into the folder, or list the link in {IGNORE_FILE}.",
            )
        return Entry(path, is_link=True, is_executable=False, size_bytes=0, digest=target)
    if not stat.S_ISREG(status.st_mode):
        raise FreeholdError(
            Code.CONFIG,
            f"{source} is not a file",
            f"Sockets, pipes and devices cannot be part of an image: list it in {IGNORE_FILE}.",
        )
    return Entry(path, False, bool(status.st_mode & 0o111), status.st_size, _file_digest(source))


def _file_digest(path: Path) -> str:
    with os.fdopen(open_plain(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
