"""What runs left, kept beside their events: as the run told it, with the secrets that it held blacked out."""

from __future__ import annotations

from pathlib import Path

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import write_atomically
from freehold.base.ids import is_ulid
from freehold.base.redaction import Redaction
from freehold.base.threads import in_thread
from freehold.keeper.history import RUNS
from freehold.wire.left import (
    FileLeft,
    Left,
    LeftContent,
    LeftFile,
    ReadLeft,
    ReadLeftFile,
    RepositoryLeft,
    RunLeft,
)

LEFT_FILE = "left.json"
_CONTROL = frozenset(range(32)) - {9, 10, 12, 13}


class LeftBehind:
    """The verbs `run/left` and `run/file`. Both raise NOT_FOUND."""

    def __init__(self, state: Path) -> None:
        self._state = state

    async def tell(self, _caller: object, request: ReadLeft) -> RunLeft:
        return told_of(await in_thread(read_left, self._state, request.run_id))

    async def content(self, _caller: object, request: ReadLeftFile) -> LeftContent:
        found = await in_thread(read_left, self._state, request.run_id)
        return LeftContent(content_of(found, request.path))


def without_secrets(left: Left, redaction: Redaction) -> Left:
    """`left` as it may be kept. Of a file that is no text, and has a secret in it, the content is not."""
    return msgspec.structs.replace(
        left,
        files=[_file_without(one, redaction) for one in left.files],
        repositories=[_repository_without(one, redaction) for one in left.repositories],
        problem=redaction.text(left.problem),
    )


def write_left(directory: Path, left: Left) -> None:
    """Into the directory of the run; what was told before is replaced. Raises DISK."""
    path = directory / LEFT_FILE
    try:
        write_atomically(path, msgspec.json.encode(left))
    except OSError as error:
        raise FreeholdError(
            Code.DISK, f"{path}: {error.strerror}", f"Make room on the disk that holds {directory}."
        ) from error


def read_left(state: Path, run_id: str) -> Left:
    """Raises NOT_FOUND where nothing is known: the run is under way, was ended at once, or is of an earlier version."""
    known = is_ulid(run_id[-26:]) and "/" not in run_id
    path = state / RUNS / (run_id if known else "none") / LEFT_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Left)
    except FileNotFoundError:
        message = f"what {run_id} left is not known"
        raise FreeholdError(
            Code.NOT_FOUND, message, "A run tells it at its end; one that is killed at once cannot."
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise FreeholdError(Code.INTERNAL, f"{path}: {error}", "Remove it.") from error


def told_of(left: Left) -> RunLeft:
    """`left` without the contents of files."""
    files = [
        LeftFile(
            path=one.path,
            state=one.state,
            size_bytes=one.size_bytes,
            kept=one.content is not None,
            text=one.content is not None and is_text(one.content),
        )
        for one in left.files
    ]
    return RunLeft(files=files, more=left.more, repositories=left.repositories, problem=left.problem)


def content_of(left: Left, path: str) -> bytes:
    """What is kept of one file. Raises NOT_FOUND."""
    found = next((one for one in left.files if one.path == path), None)
    if found is None or found.content is None:
        why = "is not among the files that it left" if found is None else "is listed, but its content is not kept"
        raise FreeholdError(Code.NOT_FOUND, f"{path[:300]} {why}", "`freehold runs files RUN` lists them.")
    return found.content


def is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROL.intersection(content)


def _file_without(one: FileLeft, redaction: Redaction) -> FileLeft:
    path, content = redaction.text(one.path), one.content
    if content is not None:
        try:
            content = redaction.text(content.decode()).encode()
        except UnicodeDecodeError:
            as_letters = content.decode("latin-1")  # one letter a byte: a secret in it is found as it is
            content = content if redaction.text(as_letters) == as_letters else None
    return msgspec.structs.replace(one, path=path, content=content)


def _cut_without(text: str, redaction: Redaction) -> str:
    """Of a text that was cut: the beginning of a secret at its end, which is no whole one any more, goes too."""
    return redaction.text(text[: redaction.safe_cut(text, len(text))])


def _repository_without(one: RepositoryLeft, redaction: Redaction) -> RepositoryLeft:
    return msgspec.structs.replace(
        one,
        path=redaction.text(one.path),
        base=redaction.text(one.base),
        commits=[_cut_without(line, redaction) for line in one.commits],
        patch=_cut_without(one.patch, redaction) if one.cut else redaction.text(one.patch),
        problem=redaction.text(one.problem),
    )
