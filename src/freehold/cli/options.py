"""The global options: accepted before the command and after it, and kept in one `Context`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from freehold.cli.context import Context


def global_options(hidden: bool = False) -> list[click.Parameter]:
    """Fresh `-p -E --json -q --debug --no-input`; each stores itself in the context object when it is given."""

    def option(*names: str, into: str, **attributes: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_store(into), hidden=hidden, **attributes)

    return [
        option(
            "-p", "--project", into="project_dir", type=click.Path(path_type=Path), help="The project's folder [.]."
        ),
        option(
            "-E", "--env", into="environment", multiple=True, help="A named environment (~/.freehold/environments)."
        ),
        option("--json", into="json", is_flag=True, help="Answer in JSON: one document, or one line an event."),
        option("-q", "--quiet", into="quiet", is_flag=True, help="Results only, no progress."),
        option("--debug", into="debug", is_flag=True, help="Show a traceback with an error."),
        option("--no-input", into="no_input", is_flag=True, help="Never ask; fail where an answer would be needed."),
    ]


def accept_global_options(command: click.Command) -> None:
    """Let `command`, and every command below it, take the global options too, without listing them again in its help.

    A name that the command uses for itself stays its own.
    """
    taken = {name for parameter in command.params for name in parameter.opts}
    command.params.extend(option for option in global_options(hidden=True) if not taken.intersection(option.opts))
    if isinstance(command, click.Group):
        for child in command.commands.values():
            accept_global_options(child)


def _store(field: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def store(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
        context = ctx.ensure_object(Context)
        if isinstance(value, tuple):
            value = _the_one(value)
        if value:
            setattr(context, field, value.absolute() if isinstance(value, Path) else value)

    return store


def _the_one(names: tuple[str, ...]) -> str:
    """Of several, the last one would answer for all. Raises `click.UsageError`."""
    if len(set(names)) > 1:
        several = f"{', '.join(names)}: one environment at a time"
        raise click.UsageError(
            f"{several}; only `freehold push {' '.join(f'-E {name}' for name in names)}` takes several"
        )
    return names[-1] if names else ""
