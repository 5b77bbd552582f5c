"""The credential store: `credentials/<type>/<instance>/<field>` below the user's home of Freehold."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_DIRECTORY, PRIVATE_FILE, make_private_directory, remove_tree, write_atomically
from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef, is_safe_name
from freehold.project.home import credentials_directory

LARGEST_VALUE = 1024 * 1024
"""Bytes of one field."""


class CredentialStore(Protocol):
    """Keeps the values of credentials.

    Promises, for every implementation (`tests/unit/store/test_credential_store.py`):
    - values are trimmed; an empty value is as good as none.
    - `put` replaces the named fields, each in one step, and leaves the others alone.
    - names that are not safe as parts of a path are refused with USAGE.
    - `FreeholdError` is all that is raised, and it never holds a value.
    """

    def get(self, ref: CredentialRef, field: str) -> Secret | None:
        """The value, or None when there is none."""
        ...

    def fields(self, ref: CredentialRef) -> list[str]:
        """The names of the fields that have a value, sorted."""
        ...

    def put(self, ref: CredentialRef, values: Mapping[str, Secret]) -> None: ...

    def remove(self, ref: CredentialRef) -> bool:
        """Forget a credential with all its fields; whether there was one."""
        ...

    def list(self) -> list[CredentialRef]:
        """Every credential that has a field, sorted."""
        ...


@dataclass(frozen=True)
class Exposure:
    """A file or directory of the store that others could read or change."""

    path: Path
    mode: int
    wanted: int

    def __str__(self) -> str:
        return f"{self.path} has mode {self.mode:04o}, which lets others in; it should be {self.wanted:04o}"


_SETTLED_NS = 1_000_000_000
"""A file that changed less than a second ago is read each time: it may change again without its times showing it,
because the kernel's clock for them ticks only every few milliseconds."""


@dataclass(frozen=True)
class _Read:
    """What a file said, and what it was like when it was read; every delivery of a webhook asks for a secret."""

    path: Path
    state: tuple[int, ...]
    value: Secret | None

    def is_current(self) -> bool:
        try:
            return _state(os.stat(self.path)) == self.state  # noqa: PTH116  half the time, for each delivery
        except OSError:
            return False


def _without_waiting(path: str, flags: int) -> int:
    """A pipe in the place of a file would keep a whole service waiting for somebody to write into it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mode, status.st_mtime_ns, status.st_ctime_ns


class FileCredentialStore:
    """Directories 0700, files 0600, each value followed by a newline; files replaced in one step.

    A directory or file that is too open is narrowed when something is written in it; `exposures` finds them all.
    """

    def __init__(self, home: Path) -> None:
        self._root = credentials_directory(home)
        self._read: dict[tuple[CredentialRef, str], _Read] = {}

    def get(self, ref: CredentialRef, field: str) -> Secret | None:
        known = self._read.get((ref, field))
        if known and known.is_current():
            return known.value
        _require_safe(ref, field)
        path = self._folder(ref) / field
        try:
            with open(path, "rb", opener=_without_waiting) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise FreeholdError(Code.CREDENTIAL, f"{path} is no plain file", f"store {ref} again")
                state, data = _state(status), file.read(LARGEST_VALUE + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failed("read", path, error) from None
        value = self._value(ref, path, data)
        if time.time_ns() - state[-1] > _SETTLED_NS:
            self._read[ref, field] = _Read(path, state, value)
        return value

    def _value(self, ref: CredentialRef, path: Path, data: bytes) -> Secret | None:
        if len(data) > LARGEST_VALUE:
            raise FreeholdError(Code.CREDENTIAL, f"{path} is larger than {LARGEST_VALUE // 1024} kB")
        try:
            value = data.decode().strip()
        except UnicodeDecodeError:
            raise FreeholdError(Code.CREDENTIAL, f"{path} is not UTF-8 text", f"store {ref} again") from None
        return Secret(value) if value else None

    def fields(self, ref: CredentialRef) -> list[str]:
        _require_safe(ref)
        names = sorted(path.name for path in _entries(self._folder(ref)) if is_safe_name(path.name) and path.is_file())
        return [name for name in names if self.get(ref, name)]

    def put(self, ref: CredentialRef, values: Mapping[str, Secret]) -> None:
        _require_safe(ref, *values)
        folder = self._folder(ref)
        try:
            for directory in (self._root, folder.parent, folder):
                make_private_directory(directory)
            for field, value in values.items():
                write_atomically(folder / field, f"{value.reveal().strip()}\n".encode(), PRIVATE_FILE)
        except OSError as error:
            raise _failed("write", folder, error) from None

    def remove(self, ref: CredentialRef) -> bool:
        _require_safe(ref)
        folder = self._folder(ref)
        existed = folder.exists()
        try:
            remove_tree(folder)
            if existed and not any(folder.parent.iterdir()):
                folder.parent.rmdir()
        except OSError as error:
            raise _failed("remove", folder, error) from None
        return existed

    def exposures(self) -> list[Exposure]:
        """Everything in the store whose mode lets others in, outermost first."""
        return [exposure for path in self._everything() if (exposure := _exposure(path))]

    def narrow(self) -> list[Exposure]:
        """Give everything in the store its mode; what was too open."""
        found = self.exposures()
        for exposure in found:
            try:
                exposure.path.chmod(exposure.wanted)
            except OSError as error:
                raise _failed("narrow", exposure.path, error) from None
        return found

    def _everything(self) -> Iterator[Path]:
        if not self._root.exists():
            return
        yield self._root
        for kind in _entries(self._root):
            yield kind
            for instance in _entries(kind):
                yield instance
                yield from _entries(instance)

    def _folder(self, ref: CredentialRef) -> Path:
        return self._root / ref.type / ref.instance

    def list(self) -> list[CredentialRef]:
        references = (
            CredentialRef(kind.name, instance.name)
            for kind in _entries(self._root)
            for instance in _entries(kind)
            if is_safe_name(kind.name) and is_safe_name(instance.name)
        )
        return sorted(reference for reference in references if self.fields(reference))


class MemoryCredentialStore:
    """The same promises, for tests: nothing touches a disk."""

    def __init__(self) -> None:
        self._values: dict[CredentialRef, dict[str, str]] = {}

    def get(self, ref: CredentialRef, field: str) -> Secret | None:
        _require_safe(ref, field)
        value = self._values.get(ref, {}).get(field, "")
        return Secret(value) if value else None

    def fields(self, ref: CredentialRef) -> list[str]:
        _require_safe(ref)
        return sorted(field for field, value in self._values.get(ref, {}).items() if value)

    def put(self, ref: CredentialRef, values: Mapping[str, Secret]) -> None:
        _require_safe(ref, *values)
        held = self._values.setdefault(ref, {})
        held.update({field: value.reveal().strip() for field, value in values.items()})

    def remove(self, ref: CredentialRef) -> bool:
        _require_safe(ref)
        return self._values.pop(ref, None) is not None

    def list(self) -> list[CredentialRef]:
        return sorted(ref for ref in self._values if self.fields(ref))


def _require_safe(ref: CredentialRef, *fields: str) -> None:
    for name in (ref.type, ref.instance, *fields):
        if not is_safe_name(name):
            raise FreeholdError(
                Code.USAGE,
                f'"{name[:60]}" cannot be part of a credential\'s name',
                "use letters, digits and . _ - @, beginning with a letter or digit",
            )


def _entries(directory: Path) -> Iterator[Path]:
    if not directory.is_dir():
        return iter(())
    try:
        return iter(sorted(directory.iterdir()))
    except OSError as error:
        raise _failed("read", directory, error) from None


def _exposure(path: Path) -> Exposure | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    mode = stat.S_IMODE(status.st_mode)
    wanted = PRIVATE_DIRECTORY if stat.S_ISDIR(status.st_mode) else PRIVATE_FILE
    return Exposure(path, mode, wanted) if mode & 0o077 else None


def _failed(verb: str, path: Path, error: OSError) -> FreeholdError:
    code = Code.DISK if error.errno in (errno.ENOSPC, errno.EDQUOT) else Code.CREDENTIAL
    hint = "free some space" if code is Code.DISK else "check who owns it: it must belong to you"
    return FreeholdError(code, f"cannot {verb} {path}: {error.strerror or type(error).__name__}", hint)
