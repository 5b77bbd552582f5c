"""Every `freehold …` in the documentation is a command that there is, with options that it takes."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator

import click
import pytest

from freehold.cli.default_group import DefaultGroup
from freehold.cli.main import freehold
from tests.support.pages import DOCS, Page, pages

_END = frozenset({"&&", "||", ";", "|", "<", ">", "2>&1"})
_ALTERNATIVES = re.compile(r"^[a-z]+(\|[a-z]+)+$")


def commands_in(line: str) -> Iterator[list[str]]:
    """The argument lists of every `freehold` in a line of shell; words in brackets are as good as without."""
    try:
        words = shlex.split(line.replace("[", "").replace("]", "").replace("…", ""), comments=True)
    except ValueError:
        return
    starts = [at for at, word in enumerate(words) if word == "freehold" and (at == 0 or begins(words[at - 1]))]
    for start in starts:
        arguments = list(itertools.takewhile(lambda word: word not in _END, words[start + 1 :]))
        at = next((at for at, word in enumerate(arguments) if _ALTERNATIVES.match(word)), None)
        if at is None:
            yield arguments
        else:
            yield from ([*arguments[:at], word, *arguments[at + 1 :]] for word in arguments[at].split("|"))


def begins(word: str) -> bool:
    """Whether a command may follow `word`."""
    return word in _END or word in {"sudo", "$"}


def problem_of(arguments: list[str], *, whole: bool) -> str:
    """What is wrong with a command line; the empty string when nothing is. `whole`: it is to be typed as it is."""
    command: click.Command = freehold
    context = click.Context(command, info_name="freehold")
    rest = arguments
    while isinstance(command, click.Group):
        if isinstance(command, DefaultGroup):
            rest = command.with_default(rest)
        try:
            rest = command.make_parser(context).parse_args(list(rest))[1]
        except click.UsageError as error:
            return error.format_message()
        if not rest:
            return ""
        found = command.get_command(context, rest[0])
        if found is None:
            return f"there is no command {rest[0]}"
        command, context, rest = found, click.Context(found, info_name=rest[0], parent=context), rest[1:]
    try:
        if whole:
            command.make_context(context.info_name, list(rest))
        else:
            command.make_parser(context).parse_args([word for word in rest if word.startswith("-")] or [])
    except click.BadOptionUsage:
        return ""  # an option that takes a value, named without one
    except click.UsageError as error:
        return error.format_message()
    return ""


TYPED = [
    (f"{page.name}:{block.line + number}", line)
    for page in pages()
    for block in page.blocks("", "sh", "bash", "console")
    if "│" not in block.text  # a drawing
    for number, line in enumerate(block.text.splitlines())
    if any(commands_in(line))
]
NAMED = [(page.name, span) for page in pages() for span in page.spans() if any(commands_in(span))]


@pytest.mark.parametrize(("where", "line"), TYPED, ids=[where for where, _ in TYPED])
def test_what_is_to_be_typed_is_a_command(where: str, line: str) -> None:
    assert [problem for arguments in commands_in(line) if (problem := problem_of(arguments, whole=True))] == []


def test_what_is_named_is_a_command() -> None:
    problems = [
        (where, span, problem)
        for where, span in NAMED
        for arguments in commands_in(span)
        if (problem := problem_of(arguments, whole=False))
    ]
    assert problems == []


def every_command(group: click.Group = freehold, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command that a person may type; a group's own when it has none below it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*before, name))
        else:
            yield (*before, name)


def test_every_command_is_in_the_list_of_commands() -> None:
    page = Page(DOCS / "commands.md")
    shown = [line for block in page.blocks("") for line in block.text.splitlines()]
    told = [arguments for text in (*shown, *page.spans()) for arguments in commands_in(text)]
    missing = [words for words in every_command() if not any(tuple(line[: len(words)]) == words for line in told)]
    assert missing == []


def test_the_documentation_does_show_commands() -> None:
    assert len(TYPED) > 20
    assert len(NAMED) > 20


WRONG = [
    ("freehold rnu dev", "rnu"),
    ("freehold run dev --detached", "--detached"),
    ("cd shop && freehold creds ad x", "ad"),
    ("freehold --nothing run dev", "--nothing"),
    ("freehold run", "Missing argument"),
    ("freehold agent show a b", "unexpected"),
]


@pytest.mark.parametrize(("line", "told"), WRONG)
def test_a_command_that_is_none_is_found(line: str, told: str) -> None:
    problems = [problem_of(arguments, whole=True) for arguments in commands_in(line)]
    assert len(problems) == 1
    assert told in problems[0]


def test_alternatives_are_each_looked_at() -> None:
    assert list(commands_in("freehold creds list|add")) == [["creds", "list"], ["creds", "add"]]
    assert list(commands_in("sudo freehold doctor --fix   # repairs")) == [["doctor", "--fix"]]
