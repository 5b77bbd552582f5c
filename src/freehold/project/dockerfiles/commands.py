"""The commands that a RUN instruction starts, as far as one can tell without a shell."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator

from freehold.project.dockerfiles.syntax import Instruction, split_words, unquote

_BETWEEN = re.compile(r"&&|\|\||[;|&\n(){}]")
_ASSIGNMENT = re.compile(r"^\w+=")
_OPTIONS_WITH_VALUE = frozenset({"-t", "--virtual", "-X", "--repository"})
_BEFORE_A_COMMAND = frozenset(
    {"if", "then", "else", "elif", "while", "until", "do", "!", "time", "exec", "env", "sudo"}
)


def commands(run: Instruction) -> Iterator[tuple[str, ...]]:
    """The argument lists of `run`, in order: of its here-documents too, without assignments before a command."""
    text = " ".join(run.operands)
    if listed := _exec_form(text):
        yield listed
        return
    for piece in _BETWEEN.split("\n".join([text, *(heredoc.body for heredoc in run.heredocs)])):
        words = [unquote(word) for word in split_words(piece)]
        while words and (words[0] in _BEFORE_A_COMMAND or _ASSIGNMENT.match(words[0])):
            words.pop(0)
        if words:
            yield tuple(words)


def _exec_form(text: str) -> tuple[str, ...]:
    """The words of a JSON array; none when it is none: Docker has a shell run it then."""
    try:
        words = json.loads(text) if text.startswith("[") else None
    except json.JSONDecodeError:
        return ()
    return tuple(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else ()


def apk_packages(command: tuple[str, ...]) -> tuple[str, ...]:
    """What `apk add` installs: `--virtual NAME` and `-t NAME` name a group, and `-X URL` a place, not a package."""
    if "add" not in command:
        return ()
    words = command[command.index("add") :]
    return tuple(
        word
        for before, word in itertools.pairwise(words)
        if before not in _OPTIONS_WITH_VALUE and not word.startswith(("-", ".", "$"))
    )
