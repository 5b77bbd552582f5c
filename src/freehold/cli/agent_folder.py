"""A stranger's folder, taken into memory: what is shown to a person is then exactly what is written."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import write_atomically
from freehold.base.plain_file import open_plain
from freehold.base.words import plural, size
from freehold.project.agent_config import CONFIG_FILE

LARGEST_FILE = 1024 * 1024
LARGEST_FOLDER = 16 * 1024 * 1024
MOST_FILES = 500
MOST_ENTRIES = 5000
DEEPEST = 20
_LONGEST_NAME, _LONGEST_PATH = 200, 1000
"""An agent is text and scripts; what is larger than this was not meant to be one."""

_LEFT_OUT = frozenset({".git", ".freehold", "node_modules", "__pycache__"})


@dataclass(frozen=True)
class FoundFile:
    data: bytes
    executable: bool = False

    @property
    def text(self) -> str | None:
        """The content, or None when it is no text."""
        try:
            text = self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else text


Folder = Mapping[str, FoundFile]
"""Files by their path inside the folder, with `/` between the parts."""


def read_folder(root: Path, inside: str, called: str) -> Folder:
    """The files of `root/inside`, without those that belong to git, to caches or to one machine (`.env*`).

    Raises DENIED with everything that is refused: links, what is no plain file, what is too large, names with control
    characters. `called` is how messages name the source.
    """
    refused = [f"{part}: is a link" for part in _links_on_the_way(root, inside)]
    files = {} if refused else _taken(root / inside, refused)
    if refused:
        lines = "\n".join(f"  {line}" for line in refused)
        raise FreeholdError(
            Code.DENIED,
            f"{called}: {plural(len(refused), 'thing')} in it cannot be taken over\n{lines}",
            "an agent's folder holds plain files; ask its author, or copy by hand what you need",
        )
    return files


def _taken(folder: Path, refused: list[str]) -> dict[str, FoundFile]:
    files: dict[str, FoundFile] = {}
    spelled = {_one_spelling(CONFIG_FILE): CONFIG_FILE}
    taken_bytes = 0
    for path, name in _walk(folder, refused):
        problem = _refusal(path, name) or _collision(name, spelled)
        if problem:
            refused.append(f"{ascii(name)[1:-1]}: {problem}")
        elif len(files) == MOST_FILES or taken_bytes > LARGEST_FOLDER:
            refused.append(f"it has more than {MOST_FILES} files or {size(LARGEST_FOLDER)}")
            break
        else:
            files[name] = _read(path)
            taken_bytes += len(files[name].data)
    return files


def _collision(name: str, spelled: dict[str, str]) -> str:
    """Whether some disks take it for a file or folder that was there before: then not what was shown is written."""
    parts = name.split("/")
    for count in range(1, len(parts) + 1):
        path = "/".join(parts[:count])
        other = spelled.setdefault(_one_spelling(path), path)
        if other != path:
            return f"is spelled like {ascii(other)[1:-1]}, but for case or accents"
    return ""


def _one_spelling(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def read_counterparts(folder: Path, others: Folder) -> Folder:
    """The files of `folder` that `others` would replace. Raises DENIED when one is a link or is reached through one."""
    files = {}
    for name in others:
        link = next(_links_on_the_way(folder, name), None)
        if link:
            raise FreeholdError(Code.DENIED, f"{folder / link} is a link", "put in its place what it points to")
        path = folder / name
        inside = [parent for parent in path.parents if parent.is_relative_to(folder)]
        blocked = next((parent for parent in inside if parent.exists() and not parent.is_dir()), None)
        if blocked:
            raise FreeholdError(
                Code.CONFLICT, f"{blocked} is no folder, and one is to be there", "move it away, and do this again"
            )
        if path.is_file():
            files[name] = _read(path)
        elif path.exists():
            raise FreeholdError(Code.CONFLICT, f"{path} is no file, and one is to be written there", "move it away")
    return files


def write_folder(files: Folder, target: Path) -> None:
    """Write the files below `target`."""
    target.mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, file.data, 0o755 if file.executable else 0o644)


def _links_on_the_way(root: Path, inside: str) -> Iterator[str]:
    path = root
    for part in Path(inside).parts:
        path = path / part
        if part == ".." or path.is_symlink():
            yield str(path.relative_to(root))


def _walk(folder: Path, refused: list[str]) -> Iterator[tuple[Path, str]]:
    seen = 0
    for directory, folders, names in os.walk(folder):
        seen += len(folders) + len(names)
        if seen > MOST_ENTRIES or len(Path(directory).relative_to(folder).parts) > DEEPEST:
            refused.append(f"it has more than {MOST_ENTRIES} files and folders, or folders more than {DEEPEST} deep")
            return
        links = [name for name in folders if (Path(directory) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT and name not in links)
        for name in sorted((*names, *links)):
            if name not in _LEFT_OUT and not name.startswith(".env"):
                path = Path(directory) / name
                yield path, path.relative_to(folder).as_posix()


def _refusal(path: Path, name: str) -> str:
    """Why this file is not taken over; the empty string when it is."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return "is a link"
    if not stat.S_ISREG(status.st_mode):
        return "is no plain file"
    if status.st_size > LARGEST_FILE:
        return f"has {size(status.st_size)}; at most {size(LARGEST_FILE)} are taken"
    if not name.isprintable():
        return "its name holds control characters"
    if len(os.fsencode(path.name)) > _LONGEST_NAME or len(os.fsencode(name)) > _LONGEST_PATH:
        return "its name is too long"
    return ""


def _read(path: Path) -> FoundFile:
    try:
        with os.fdopen(open_plain(path), "rb") as file:
            data = file.read(LARGEST_FILE + 1)
            executable = bool(os.fstat(file.fileno()).st_mode & stat.S_IXUSR)
    except OSError as error:
        raise FreeholdError(Code.DENIED, f"{path}: {error.strerror}", "correct it, and do this again") from error
    if len(data) > LARGEST_FILE:
        message = f"{path}: is larger than {size(LARGEST_FILE)}"
        raise FreeholdError(Code.TOO_LARGE, message, "move it away, and do this again")
    return FoundFile(data, executable)
