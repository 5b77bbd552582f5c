"""Patterns of paths: `.freeholdignore`, and the sources of COPY. Paths are relative, with `/`."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_file import read_plain

IGNORE_FILE = ".freeholdignore"
_ALWAYS_IGNORED = (".git", ".env*", ".freehold")
"""Never part of a build, at any depth and whatever `.freeholdignore` says: history, secrets, state."""

MOST_PATTERNS, LONGEST_PATTERN = 1000, 1000
"""Lines of a `.freeholdignore`, and characters of one."""
_LARGEST_FILE = 4 * MOST_PATTERNS * LONGEST_PATTERN

Item = TypeVar("Item")


@dataclass(frozen=True)
class _Any:
    """Stands for as many characters of a name, or names of a path, as it takes."""


_ANY = _Any()
_Part = _Any | re.Pattern[str] | str
"""Of a name: any characters, one of a set, or this character."""
_ONE = re.compile(".", re.DOTALL)


def _fits(pattern: Sequence[object], items: Sequence[Item], fits_one: Callable[[Any, Item], bool]) -> bool:
    """Whether `pattern` stands for all of `items`. What follows an `_ANY` is looked for from the left, once.

    So it takes at most `len(pattern) * len(items)` steps: a regular expression for the same can take for ever, and the
    patterns may be a stranger's.
    """
    at = looked = again_at = again_looked = 0
    again = False
    while looked < len(items):
        wanted = pattern[at] if at < len(pattern) else None
        if isinstance(wanted, _Any):
            again, again_at, again_looked = True, at + 1, looked
            at += 1
        elif wanted is not None and fits_one(wanted, items[looked]):
            at, looked = at + 1, looked + 1
        elif again:  # let the last `_ANY` take one more
            again_looked += 1
            at, looked = again_at, again_looked
        else:
            return False
    return all(isinstance(left, _Any) for left in pattern[at:])


@functools.lru_cache(maxsize=1024)
def _names(pattern: str) -> tuple[tuple[_Part, ...] | _Any, ...]:
    """`*` and `?` stay within one name, `**` as a name of its own is any names, `[...]` is a set of characters."""
    names = pattern.split("/")
    # At the end it means what lies in the folder, and not the folder.
    names += ["*"] if names[-1] == "**" else []
    return tuple(_ANY if name == "**" else _parts(name) for name in names)


def _parts(name: str) -> tuple[_Part, ...]:
    found: list[_Part] = []
    position = 0
    while position < len(name):
        character = name[position]
        end = name.find("]", position + 2)
        if character == "*":
            found.append(_ANY)
        elif character == "?":
            found.append(_ONE)
        elif character == "[" and end > 0 and (characters := _set(name[position + 1 : end])):
            found.append(characters)
            position = end
        elif character == "\\" and position + 1 < len(name):
            position += 1
            found.append(name[position])
        else:
            found.append(character)
        position += 1
    return tuple(found)


def _set(inside: str) -> re.Pattern[str] | None:
    """None for one that is none, such as [z-a]: then it means itself."""
    escaped = inside.replace("\\", "\\\\")
    try:
        return re.compile(f"[{'^' + escaped[1:] if escaped[0] in '!^' else escaped}]", re.DOTALL)
    except re.error:
        return None


def _is_character(wanted: re.Pattern[str] | str, character: str) -> bool:
    return wanted == character if isinstance(wanted, str) else wanted.match(character) is not None


def _is_name(wanted: tuple[_Part, ...], name: str) -> bool:
    return _fits(wanted, name, _is_character)


def matches(pattern: str, path: str) -> bool:
    return _fits(_names(pattern), path.split("/"), _is_name)


@dataclass(frozen=True)
class IgnoreRules:
    """The lines of a `.freeholdignore`, as in a `.gitignore`: the last line that matches decides.

    A pattern with a slash before its end is anchored at the folder, another matches at any depth; a slash at the end
    means folders only; `!` takes back. What lies in an ignored folder stays ignored.
    """

    patterns: tuple[tuple[str, bool, bool], ...] = ()
    """(pattern, takes back, folders only)"""

    @classmethod
    def parse(cls, text: str) -> IgnoreRules:
        """Raises `FreeholdError` (CONFIG) for a text that is out of bounds."""
        lines = text.splitlines()
        if len(lines) > MOST_PATTERNS or any(len(line) > LONGEST_PATTERN for line in lines):
            bounds = f"{MOST_PATTERNS} lines, or one of more than {LONGEST_PATTERN} characters"
            message = f".freeholdignore has more than {bounds}"
            raise FreeholdError(Code.CONFIG, message, "List folders instead of each file in them.")
        found = []
        for raw in lines:
            line = raw.rstrip()
            if not line or line.startswith("#"):
                continue
            takes_back = line.startswith("!")
            line = line.removeprefix("!").removeprefix("\\")
            pattern = line.rstrip("/")
            if "/" not in pattern:
                pattern = f"**/{pattern}"
            found.append((pattern.lstrip("/"), takes_back, line.endswith("/")))
        return cls(tuple(found))

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        if any(matches(pattern, posixpath.basename(path)) for pattern in _ALWAYS_IGNORED):
            return True
        ignored = False
        for pattern, takes_back, folders_only in self.patterns:
            if (is_folder or not folders_only) and matches(pattern, path):
                ignored = not takes_back
        return ignored


def read_ignore_rules(folder: Path) -> IgnoreRules:
    """The rules in a folder; none where there is no file. Raises `FreeholdError` (CONFIG) as `parse`, and `OSError`."""
    try:
        text = read_plain(folder / IGNORE_FILE, _LARGEST_FILE).decode("utf-8", "replace")
    except FileNotFoundError:
        return IgnoreRules()
    return IgnoreRules.parse(text)


@dataclass(frozen=True)
class Selection:
    """Which paths a build reads: those that a source names, and what lies below them. No sources: nothing."""

    sources: tuple[str, ...] = ()

    def takes(self, path: str) -> bool:
        """Whether `path`, or a folder it lies in, is named."""
        parts = path.split("/")
        return any(
            source == "." or matches(source, "/".join(parts[:count]))
            for source in self.sources
            for count in range(1, len(parts) + 1)
        )

    def reaches_into(self, folder: str) -> bool:
        """Whether something below `folder` can be named."""
        depth = folder.count("/") + 1
        return self.takes(folder) or any(
            "**" in source or (source.count("/") >= depth and matches("/".join(source.split("/")[:depth]), folder))
            for source in self.sources
        )
