"""`freehold env set`: the environment that a project's commands use when none is named."""

from __future__ import annotations

from pathlib import Path

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import write_atomically
from freehold.cli.context import Context
from freehold.cli.output import print_json, say
from freehold.project.load import require_project
from freehold.project.overlay import OVERLAY_FILE, chosen_environment
from freehold.store.environments import Environments


@click.command(name="set")
@click.argument("name", default="")
@click.option("--none", "nothing", is_flag=True, help="Bind the project to none any more.")
@click.pass_obj
def set_(context: Context, name: str, nothing: bool) -> None:
    """Bind the project to an environment: its commands then use that one where -E names none. Without NAME, say to
    which it is bound."""
    if name and nothing:
        raise FreeholdError(Code.USAGE, "either a name or --none")
    require_project(context.project_dir)
    if name:
        Environments(context.home).require(name)
    if name or nothing:
        bind(context.project_dir, name)
    bound = chosen_environment(context.project_dir, "")
    if context.json:
        print_json({"environment": bound or None})
    elif not context.quiet:
        say(f"this project is bound to {bound or 'no environment'}")


def bind(project: Path, name: str) -> None:
    """Write `environment` into the project's `.env.toml`, and leave the rest alone; an empty name takes it out."""
    import tomlkit

    path = project / OVERLAY_FILE
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    except (tomlkit.exceptions.ParseError, UnicodeDecodeError) as error:
        raise FreeholdError(Code.CONFIG, f"{OVERLAY_FILE}: {error}", "Repair it first.") from None
    if not name:
        document.pop("environment", None)
    elif "environment" in document:
        document["environment"] = name
    else:  # before the first table, or it would be the table's
        text = tomlkit.dumps({"environment": name}) + tomlkit.dumps(document)
        document = tomlkit.parse(text)
    write_atomically(path, tomlkit.dumps(document).encode(), path.stat().st_mode & 0o777 if path.exists() else 0o600)
