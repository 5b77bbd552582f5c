"""The commands that a RUN instruction starts, as far as one can tell without a shell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from freehold.runtime.images.dockerfile import Instruction, split_words, unquote

_BETWEEN = re.compile(r"&&|\|\||[;|&\n(){}]")
_ASSIGNMENT = re.compile(r"^\w+=")
_BEFORE_A_COMMAND = frozenset(
    {"if", "then", "else", "elif", "while", "until", "do", "!", "time", "exec", "env", "sudo"}
)


def commands(run: Instruction) -> Iterator[tuple[str, ...]]:
    """The argument lists of `run`, in order: of its here-documents too, without assignments before a command."""
    text = " ".join(run.operands)
    if text.startswith("["):
        yield from _exec_form(text)
        return
    for piece in _BETWEEN.split("\n".join([text, *(heredoc.body for heredoc in run.heredocs)])):
        words = [unquote(word) for word in split_words(piece)]
        while words and (words[0] in _BEFORE_A_COMMAND or _ASSIGNMENT.match(words[0])):
            words.pop(0)
        if words:
            yield tuple(words)


def _exec_form(text: str) -> Iterator[tuple[str, ...]]:
    try:
        words = json.loads(text)
    except json.JSONDecodeError:
        return  # Docker runs it by a shell then, and will say what it thinks of it
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        yield tuple(words)


def packages(command: tuple[str, ...]) -> list[str]:
    """The operands of an `install` or `add`: no options, no verb, no versions."""
    return [re.split(r"[=<>~@]", word)[0] for word in command[2:] if not word.startswith(("-", "."))]
