"""The files of environments: `environments/<name>.toml` below the user's home of Freehold."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_FILE, make_private_directory, write_atomically
from freehold.project.environments import Environment, environment_of, name_problem
from freehold.project.home import environment_file, environment_names
from freehold.project.problems import Problems, unknown
from freehold.project.toml import read_toml

HOW_TO_ADD = (
    "A server of yours: freehold env add USER@HOST --name NAME; to rent one: freehold env prov NAME; "
    "one to try, on this machine: freehold sandbox create NAME --env NAME"
)


class Environments:
    """The inventory: the servers that a person has. What is written keeps the comments that were there, and is for this
    user alone."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def names(self) -> list[str]:
        return [name for name in environment_names(self._home) if not name_problem(name)]

    def file(self, name: str) -> Path:
        return environment_file(self._home, name)

    def read(self, name: str) -> Environment:
        """Raises NOT_FOUND with those that there are, CONFIG with every mistake in its file."""
        self.require(name)
        problems = Problems()
        environment = self.read_as_is(name, problems)
        problems.raise_errors(f"freehold env check {name}")
        return environment

    def read_as_is(self, name: str, problems: Problems) -> Environment:
        """The same; mistakes are put into `problems`."""
        path = self.file(name)
        # It is the user's own home, not a stranger's project: many keep such files elsewhere and link to them.
        return environment_of(name, read_toml(path.resolve(), str(path), problems), str(path), problems)

    def require(self, name: str) -> None:
        known = self.names()
        if name not in known:
            raise FreeholdError(Code.NOT_FOUND, unknown("environment", name, known), HOW_TO_ADD)

    def add(self, name: str, text: str) -> Path:
        """Write a new file. Raises USAGE for a name that cannot be one, CONFLICT for one that is there."""
        if problem := name_problem(name):
            raise FreeholdError(Code.USAGE, problem)
        path = self.file(name)
        if path.exists() or path.is_symlink():
            raise FreeholdError(
                Code.CONFLICT, f"environment {name} is there already: {path}", "choose another name, or remove it"
            )
        self._write(path, text)
        return path

    def change(self, name: str, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Set keys by table; None takes one away. Everything else in the file stays as it is."""
        import tomlkit  # reading needs none of it

        self.require(name)
        path = self.file(name).resolve()
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
        for table, values in changes.items():
            if table not in document:
                document[table] = tomlkit.table()
            for key, value in values.items():
                if value is None:
                    document[table].pop(key, None)
                else:
                    document[table][key] = value
        self._write(path, tomlkit.dumps(document))

    def remove(self, name: str) -> None:
        self.require(name)
        self.file(name).unlink()

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Alone with an environment, for whoever makes or takes down what it stands for; a process that dies lets go.
        Raises BUSY when another process has it."""
        path = self.file(name).with_name(f".{name}.lock")
        make_private_directory(path.parent)
        handle = _lock(path, f"another freehold makes or takes down {name} just now")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(handle)

    def _write(self, path: Path, text: str) -> None:
        try:
            make_private_directory(self._home)
            make_private_directory(self.file("x").parent)
            write_atomically(path, text.encode())
        except OSError as error:
            raise FreeholdError(Code.DISK, f"{path} cannot be written: {error.strerror}") from None


def _lock(path: Path, taken: str) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise FreeholdError(Code.BUSY, taken, "Wait until it has ended.") from None
        if _is_at(handle, path):
            return handle
        os.close(handle)  # whoever had it took the file away: it holds nothing any more


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
