"""`freehold creds import --from-env`: credentials that a CI job is given as variables, all at once."""

from __future__ import annotations

import os

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.base.words import plural
from freehold.cli.context import Context
from freehold.cli.output import print_json, say
from freehold.project.credential_variables import PREFIX, fields_of, read_variables, required_variables, variable_of
from freehold.project.load import load_project
from freehold.project.needs import Need, needs_of_project
from freehold.store.credentials import FileCredentialStore


@click.command(name="import")
@click.option("--from-env", is_flag=True, help=f"Read the variables {PREFIX}TYPE__FIELD.")
@click.option("--part", is_flag=True, help="Do not mind if the project needs more.")
@click.pass_obj
def import_(context: Context, from_env: bool, part: bool) -> None:
    """Store the credentials that are in the environment, where a CI job has its secrets.

    FREEHOLD_CREDENTIAL_TYPE__FIELD is a field of the default instance, FREEHOLD_CREDENTIAL_TYPE__INSTANCE__FIELD of
    another one. What the project here needs and neither the environment nor the store has is listed, all at once, and
    then nothing is stored. Exit code 4.
    """
    if not from_env:
        raise FreeholdError(Code.USAGE, "where from?", "freehold creds import --from-env")
    needs = [] if part else _needs(context)
    expected = [field for need in needs for field in fields_of(need.ref)]
    found, problems = read_variables(os.environ, expected)
    store = FileCredentialStore(context.home)
    given = {variable_of(field) for field in expected if field.field in found.get(field.ref, {})}
    stored = {variable_of(field) for field in expected if store.get(field.ref, field.field) is not None}
    missing = [name for name in required_variables(needs) if name not in given | stored]
    problems += [f"{name}: is not set" for name in missing]
    if problems:
        told = "\n".join(f"  {problem}" for problem in problems)
        raise FreeholdError(
            Code.CREDENTIAL,
            f"{plural(len(problems), 'problem')} with variables; nothing was stored\n{told}",
            "The workflow that sets them is written anew by `freehold ci init github`." if missing else "",
        )
    for ref, values in found.items():
        store.put(ref, {field: Secret(value) for field, value in values.items()})
    if context.json:
        print_json({"stored": [str(ref) for ref in found]})
    elif not context.quiet:
        say(f"{plural(len(found), 'credential')} stored: {', '.join(map(str, found)) or 'none'}")


def _needs(context: Context) -> list[Need]:
    """Raises as `load_project` does: a job is in the project's folder."""
    project = load_project(context.project_dir, home=context.home, environment=context.environment)
    return needs_of_project(project)
