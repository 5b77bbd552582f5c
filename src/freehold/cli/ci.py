"""`freehold ci`: pushes by a CI service."""

from __future__ import annotations

import click

from freehold.cli.ci_github import github


@click.group(name="ci")
def command() -> None:
    """Let a CI service push."""


@command.group(name="init")
def init() -> None:
    """Write the files that a CI service goes by."""


init.add_command(github)
