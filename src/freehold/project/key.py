"""What one key of a configuration file is: schema as data, for validation, suggestions and the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    """The kinds of values, each with its description for a person."""

    STRING = ("string", "a string")
    INTEGER = ("integer", "a whole number")
    NUMBER = ("number", "a number")
    BOOLEAN = ("boolean", "true or false")
    SIZE = ("size", 'a size such as "4g"')
    STRINGS = ("strings", "a list of strings")
    STRING_MAP = ("string map", "a table of strings")
    FREE_TABLE = ("free table", "a table")
    TABLE = ("table", "a table")
    NAMED_TABLES = ("named tables", "tables by name")
    TABLES = ("tables", "a list of tables")
    STRING_OR_TABLE = ("string or table", "a string or a table")
    STRINGS_OR_TABLE = ("strings or table", "a list of strings or a table")

    @property
    def words(self) -> str:
        return self.value[1]


@dataclass(frozen=True)
class Key:
    """One key. `doc` is one sentence; `default` None means: not set.

    `also` are other spellings that mean the same; `formerly` are old ones, read with a warning.
    `keys` are those of the table, or of each table; `choices` bounds a string, and `quiet_choices` are read too but
    not advertised.
    """

    name: str
    kind: Kind
    doc: str
    default: Any = None
    choices: tuple[str, ...] = ()
    quiet_choices: tuple[str, ...] = ()
    minimum: float | None = None
    required: bool = False
    keys: tuple[Key, ...] = ()
    also: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()

    @property
    def spellings(self) -> tuple[str, ...]:
        return (self.name, *self.also, *self.formerly)


@dataclass(frozen=True)
class Gone:
    """A key that once was; `hint` says what to write instead."""

    name: str
    hint: str
