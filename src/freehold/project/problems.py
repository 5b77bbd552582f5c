"""Problems in what the user wrote: collected, told together, each with the file and the key path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import HIDDEN
from freehold.base.words import did_you_mean, one_of, plural

KeyPath = tuple[str | int, ...]

_LONGEST_SHOWN = 60
_MANY_NAMES = 10
_DOCTOR = "freehold doctor"
_MOST_TOLD = 100
"""Errors, and as many warnings; nobody reads more at once."""
_SECRET = re.compile(
    r"^(sk-|ghp_|gho_|ghs_|github_pat_|gsk_|xai-|xox[abp]-|AKIA|AIza|eyJ|sntrys_|lin_|nfp_|-----BEGIN)|^[A-Za-z0-9+/=]{33,}$"
)
_BARE_KEY = re.compile(r"^[A-Za-z0-9_-]+$")


def shown(value: object) -> str:
    """`value` between quotes, for a message; what looks like a secret in the wrong place is `[hidden]`."""
    text = str(value).encode("unicode_escape").decode("ascii") if not str(value).isprintable() else str(value)
    if _SECRET.search(text):
        return HIDDEN
    return f'"{text}"' if len(text) <= _LONGEST_SHOWN else f'"{text[:_LONGEST_SHOWN]}…"'


def unknown(noun: str, name: object, known: Iterable[str]) -> str:
    """`unknown event "isues" (did you mean "issues"?)`; the known names follow when none is near, or few exist."""
    names = sorted(known)
    suggestion = did_you_mean(str(name), names)
    message = " ".join(part for part in (f"unknown {noun} {shown(name)}", suggestion) if part)
    if suggestion and len(names) > _MANY_NAMES:
        return message
    return (
        f"{message}; there {'is' if len(names) == 1 else 'are'}: {one_of(names)}"
        if names
        else f"{message}; there is none"
    )


def dotted(path: KeyPath) -> str:
    """`webhooks[0].events`, as people write it in TOML."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        name = part if _BARE_KEY.match(part) and not _SECRET.search(part) else shown(part)
        text += f".{name}" if text else name
    return text


@dataclass(frozen=True)
class Problem:
    """`agents/dev/config.toml: webhooks[0].events: unknown event "isues" (did you mean "issues"?)`."""

    where: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.path, self.message) if part)


@dataclass
class Problems:
    """Errors and warnings, in the order in which they were found; told only once, and not more than anybody reads."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def error(self, where: str, path: str, message: str) -> None:
        self._add(self.errors, Problem(where, path, message))

    def warning(self, where: str, path: str, message: str) -> None:
        self._add(self.warnings, Problem(where, path, message))

    def include(self, other: Problems) -> None:
        for problem in other.errors:
            self._add(self.errors, problem)
        for problem in other.warnings:
            self._add(self.warnings, problem)

    def raise_errors(self, check: str = _DOCTOR) -> None:
        """Raise one `FreeholdError` (CONFIG) that lists every error; nothing when there is none. `check` is the command
        that looks at all of it again."""
        if self.errors:
            raise self.as_error(check)

    def as_error(self, check: str = _DOCTOR) -> FreeholdError:
        head = f"{plural(len(self.errors), 'error')} in the configuration"
        lines = [f"  {problem}" for problem in self.errors]
        return FreeholdError(
            Code.CONFIG,
            "\n".join([head, *lines]),
            f"correct what is named above; `{check}` checks everything again",
        )

    @staticmethod
    def _add(known: list[Problem], problem: Problem) -> None:
        if len(known) < _MOST_TOLD and problem not in known:
            known.append(problem)


@dataclass(frozen=True)
class Reporter:
    """Reports problems at key paths of a table; `origin` says which file a path was written in."""

    problems: Problems
    origin: Callable[[KeyPath], str]

    def error(self, path: KeyPath, message: str) -> None:
        self.problems.error(self.origin(path), dotted(path), message)

    def warning(self, path: KeyPath, message: str) -> None:
        self.problems.warning(self.origin(path), dotted(path), message)
