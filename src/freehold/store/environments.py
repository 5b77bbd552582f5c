"""The files of environments: `environments/<name>.toml` below the user's home of Freehold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory, write_atomically
from freehold.project.environments import Environment, environment_of, name_problem
from freehold.project.home import environment_file, environment_names
from freehold.project.problems import Problems, unknown
from freehold.project.toml import read_toml


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
        problems.raise_errors()
        return environment

    def read_as_is(self, name: str, problems: Problems) -> Environment:
        """The same; mistakes are put into `problems`."""
        path = self.file(name)
        # It is the user's own home, not a stranger's project: many keep such files elsewhere and link to them.
        return environment_of(name, read_toml(path.resolve(), str(path), problems), str(path), problems)

    def require(self, name: str) -> None:
        known = self.names()
        if name not in known:
            raise FreeholdError(
                Code.NOT_FOUND, unknown("environment", name, known), "`freehold env add USER@HOST --name NAME` adds one"
            )

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

    def _write(self, path: Path, text: str) -> None:
        try:
            make_private_directory(self._home)
            make_private_directory(self.file("x").parent)
            write_atomically(path, text.encode())
        except OSError as error:
            raise FreeholdError(Code.DISK, f"{path} cannot be written: {error.strerror}") from None
