"""Patterns of paths: `.freeholdignore`, and the sources of COPY. Pure; paths are relative, with `/`."""

from __future__ import annotations

import functools
import posixpath
import re
from dataclasses import dataclass

_ALWAYS_IGNORED = (".git", ".env*", ".freehold")
"""Never part of a build, at any depth and whatever `.freeholdignore` says: history, secrets, state."""


@functools.lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stay within one name, `**` crosses names, `[…]` is a set of characters."""
    text = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        end = pattern.find("]", position + 2)
        if pattern.startswith("**/", position):
            text += "(?:.*/)?"
            position += 2
        elif pattern.startswith("**", position):
            text += ".*"
            position += 1
        elif character == "*":
            text += "[^/]*"
        elif character == "?":
            text += "[^/]"
        elif character == "[" and end > 0:
            inside = pattern[position + 1 : end].replace("\\", "\\\\")
            text += f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]"
            position = end
        elif character == "\\" and position + 1 < len(pattern):
            position += 1
            text += re.escape(pattern[position])
        else:
            text += re.escape(character)
        position += 1
    return re.compile(text, re.DOTALL)


def matches(pattern: str, path: str) -> bool:
    try:
        return _expression(pattern).fullmatch(path) is not None
    except re.error:  # a set such as [z-a]: then it means itself
        return pattern == path


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
        found = []
        for raw in text.splitlines():
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
