"""Dockerfiles as data: which instructions there are, and on which lines.

Only as much of the syntax as Freehold must understand to put its own base under a Dockerfile, and to say what is wrong
before a build is tried. Source: docs.docker.com/reference/dockerfile ("Format", "Parser directives", "Here-documents").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError

_REFERENCE = "See docs.docker.com/reference/dockerfile."
_DIRECTIVE = re.compile(r"^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_KNOWN_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_HEREDOC = re.compile(r"^\d*<<(-?)([^<]+)$")
_TAKES_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})


class DockerfileError(Exception):
    """Something is wrong on a line of a Dockerfile; `told` makes an error of it for whoever wrote the file."""

    def __init__(self, line: int, what: str, hint: str) -> None:
        super().__init__(f"{line}: {what}")
        self.line = line
        self.what = what
        self.hint = hint

    def told(self, where: str) -> FreeholdError:
        return FreeholdError(Code.CONFIG, f"{where}:{self.line}: {self.what}", self.hint)


@dataclass(frozen=True)
class Heredoc:
    name: str
    body: str


@dataclass(frozen=True)
class Instruction:
    """One instruction: `keyword` in capitals, `arguments` on one line, lines counted from 1, both ends included."""

    keyword: str
    arguments: str
    first_line: int
    last_line: int
    heredocs: tuple[Heredoc, ...] = ()

    @property
    def flags(self) -> dict[str, str]:
        """`--name=value` before the first other word; a flag without a value has the empty string."""
        found = {}
        for word in split_words(self.arguments):
            if not word.startswith("--"):
                break
            name, _, value = word[2:].partition("=")
            found[name] = unquote(value)
        return found

    @property
    def operands(self) -> tuple[str, ...]:
        """The words after the flags, as written (quotes kept)."""
        words = split_words(self.arguments)
        count = next((index for index, word in enumerate(words) if not word.startswith("--")), len(words))
        return tuple(words[count:])


@dataclass(frozen=True)
class Dockerfile:
    lines: tuple[str, ...]
    directives: dict[str, str]
    instructions: tuple[Instruction, ...]


def parse(text: str) -> Dockerfile:
    """What `text` says.

    Raises `DockerfileError` for what no Docker would read: a heredoc without an end, a bad escape directive, a line
    that no instruction starts.
    """
    lines = tuple(text.removeprefix("\ufeff").splitlines())
    directives = _directives(lines)
    escape = directives.get("escape", "\\")
    if escape not in ("\\", "`"):
        raise DockerfileError(1, f'the escape directive must be "\\" or "`", not "{escape}"', _REFERENCE)
    return Dockerfile(lines, directives, tuple(_instructions(lines, escape)))


def _directives(lines: tuple[str, ...]) -> dict[str, str]:
    """Directives stand before everything else, other comments and empty lines included."""
    found: dict[str, str] = {}
    for line in lines:
        match = _DIRECTIVE.match(line)
        if not match or match[1].lower() not in _KNOWN_DIRECTIVES:
            break
        found.setdefault(match[1].lower(), match[2])
    return found


def _instructions(lines: tuple[str, ...], escape: str) -> Iterator[Instruction]:
    # Two escapes at the end are an escaped escape, not a continuation (BuildKit's own rule).
    token = re.escape(escape)
    continued = re.compile(rf"(?:^|[^{token}]){token}[ \t]*$")
    index = 0
    while index < len(lines):
        if _is_silent(lines[index]):
            index += 1
            continue
        first = index
        logical, index = _logical_line(lines, index, continued)
        keyword, _, arguments = logical.partition(" ")
        keyword = keyword.upper()
        if not keyword.isalpha():
            raise DockerfileError(first + 1, f'"{keyword}" is not an instruction', _REFERENCE)
        heredocs: list[Heredoc] = []
        if keyword in _TAKES_HEREDOCS:
            for strip_tabs, name in _heredoc_names(arguments):
                heredoc, index = _heredoc(lines, index, name, strip_tabs=strip_tabs, line=first + 1)
                heredocs.append(heredoc)
        yield Instruction(keyword, arguments.strip(), first + 1, index, tuple(heredocs))


def _is_silent(line: str) -> bool:
    """An empty line or a comment: nothing, also between the lines of one instruction."""
    stripped = line.strip()
    return not stripped or stripped.startswith("#")


def _logical_line(lines: tuple[str, ...], index: int, continued: re.Pattern[str]) -> tuple[str, int]:
    """The instruction that starts at `index`, its continuation lines joined; and the index after it."""
    first = index
    text = ""
    while index < len(lines):
        line = lines[index]
        index += 1
        if text and _is_silent(line):
            continue
        if not continued.search(line):
            # A tab may stand between the keyword and the rest.
            return re.sub(r"^(\S+)\s+", r"\1 ", (text + line).strip()), index
        text += line.rstrip(" \t")[:-1]
    # Docker would let it pass, and so would take the line that is put after it for a part of it.
    raise DockerfileError(first + 1, "the last line says that it goes on, and does not", "Remove the mark at its end.")


def _heredoc_names(arguments: str) -> list[tuple[bool, str]]:
    found = []
    for word in split_words(arguments):
        match = _HEREDOC.match(word)
        if match and unquote(match[2]):
            found.append((match[1] == "-", unquote(match[2])))
    return found


def _heredoc(lines: tuple[str, ...], index: int, name: str, *, strip_tabs: bool, line: int) -> tuple[Heredoc, int]:
    body: list[str] = []
    for offset, text in enumerate(lines[index:], start=index):
        candidate = text.lstrip("\t") if strip_tabs else text
        if candidate == name:
            return Heredoc(name, "\n".join(body)), offset + 1
        body.append(candidate)
    raise DockerfileError(
        line, f"the here-document <<{name} never ends", f"Write a line that holds {name} and nothing else."
    )


def split_words(text: str) -> list[str]:
    """Words as a shell would split them, quotes kept; an open quote reaches to the end."""
    words: list[str] = []
    word = ""
    quote = ""
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character.isspace():
            if word:
                words.append(word)
            word = ""
            continue
        word += character
    return [*words, word] if word else words


def unquote(word: str) -> str:
    """`word` without one pair of quotes around it."""
    if len(word) >= 2 and word[0] == word[-1] and word[0] in "\"'":
        return word[1:-1]
    return word
