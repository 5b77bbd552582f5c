"""Values for a credential: from `--field`, from standard input, or asked for without showing them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.cli.output import note, warn
from freehold.project.credential import CredentialField, CredentialType
from freehold.project.credential_value import value_problem
from freehold.project.problems import unknown

_FROM_STDIN = "-"


@dataclass(frozen=True)
class Given:
    """Values given on the command line; `typed` are the secret ones that stood in it for all to see."""

    values: dict[str, Secret]
    typed: tuple[str, ...] = ()

    def warn_of_history(self) -> None:
        for name in self.typed:
            warn(
                f"the value of {name} stood on the command line: it may be in your shell's history and was visible to "
                f"other users; leave --field out to be asked, or use --field {name}=- to read it from standard input"
            )


def read_given(kind: CredentialType, fields: Sequence[str]) -> Given:
    """What `--field name=value` says. Raises USAGE; no value is ever in the message."""
    values: dict[str, Secret] = {}
    typed: list[str] = []
    for text in fields:
        name, equals, value = text.partition("=")
        if not equals:
            raise FreeholdError(
                Code.USAGE, "--field wants NAME=VALUE", f"the fields are: {', '.join(kind.field_names)}"
            )
        field = kind.field(name)
        if field is None:
            raise FreeholdError(Code.USAGE, unknown(f"field of {kind.name}", name, kind.field_names))
        if value == _FROM_STDIN:
            value = _read_stdin(name, fields)
        elif field.secret:
            typed.append(name)
        values[name] = checked(field, value)
    return Given(values, tuple(typed))


def ask_for_values(kind: CredentialType, given: Given, stored: Sequence[str], *, no_input: bool) -> dict[str, Secret]:
    """Ask for the fields that were not given. What is stored already is kept when the answer is empty.

    Where nobody can be asked, raises USAGE naming the flags, unless all that is required is given or stored.
    """
    open_fields = [field for field in kind.fields if field.asked and field.name not in given.values]
    if no_input or not sys.stdin.isatty():
        missing = [field.name for field in open_fields if not field.optional and field.name not in stored]
        if missing:
            flags = " ".join(
                f"--field {name}=-" if index == 0 else f"--field {name}=..." for index, name in enumerate(missing)
            )
            raise FreeholdError(
                Code.USAGE, f"{kind.name} needs {', '.join(missing)}, and nobody can be asked", f"give {flags}"
            )
        return {}
    if given.values and not any(not field.optional and field.name not in stored for field in open_fields):
        return {}
    introduce(kind, open_fields)
    answers = ((field, _ask(field, keep=field.optional or field.name in stored)) for field in open_fields)
    return {field.name: answer for field, answer in answers if answer}


def checked(field: CredentialField, value: str) -> Secret:
    """`value` as a secret. Raises USAGE when it cannot be the field's value."""
    problem = value_problem(field, value)
    if problem:
        raise FreeholdError(Code.USAGE, f"the value of {field.name} {problem}")
    return Secret(value)


def introduce(kind: CredentialType, fields: Sequence[CredentialField]) -> None:
    """Says what is asked for, and where one gets it."""
    note(f"{kind.label}. {kind.description}")
    if kind.help_url:
        note(f"Get one at {kind.help_url}")
    if any(field.secret for field in fields):
        note("What you type is not shown.")


def _ask(field: CredentialField, *, keep: bool) -> Secret | None:
    label = f"{field.label} (Enter to leave it)" if keep else field.label
    while True:
        value = _ask_for_file(label, keep=keep) if field.multiline else _ask_for_line(label, field, keep=keep)
        if not value:
            return None
        problem = value_problem(field, value)
        if not problem:
            return Secret(value)
        note(f"That {problem}.")


def _ask_for_line(label: str, field: CredentialField, *, keep: bool) -> str:
    answer: str = click.prompt(
        label, hide_input=field.secret, default="" if keep else None, show_default=False, err=True
    )
    return answer


def _ask_for_file(label: str, *, keep: bool) -> str:
    """A value of many lines is not typed but read from a file."""
    path: str = click.prompt(f"{label}: file", default="" if keep else None, show_default=False, err=True)
    if not path:
        return ""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise FreeholdError(Code.USAGE, f"cannot read {path}: {reason}") from None


def _read_stdin(name: str, fields: Sequence[str]) -> str:
    if sum(text.endswith(f"={_FROM_STDIN}") for text in fields) > 1:
        raise FreeholdError(Code.USAGE, "only one field can be read from standard input", "give the others one by one")
    if sys.stdin.isatty():
        note(f"Reading {name} from standard input; end with Ctrl-D.")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise FreeholdError(Code.USAGE, f"what standard input holds for {name} is not text") from None
