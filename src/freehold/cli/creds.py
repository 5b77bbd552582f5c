"""`freehold creds list|add|remove|types|check`: the credentials that agents may be given."""

from __future__ import annotations

from collections.abc import Sequence

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import one_of, plural
from freehold.cli.context import Context
from freehold.cli.creds_check import check_store, repair_store
from freehold.cli.creds_check_live import check_new, check_stored
from freehold.cli.creds_import import import_
from freehold.cli.creds_input import Given, ask_for_values, read_given
from freehold.cli.creds_live import Checked, failure_of
from freehold.cli.output import confirm, note, print_json, say, table
from freehold.cli.ssh_key import generate_key_pair
from freehold.project.credential import CredentialRef, CredentialType, Purpose, parse_ref
from freehold.project.credential_question import Outcome
from freehold.project.credentials import CREDENTIAL_TYPES, EVERY_CREDENTIAL_TYPE
from freehold.project.problems import shown, unknown
from freehold.store.credentials import FileCredentialStore


@click.group(name="creds")
def command() -> None:
    """Keep the credentials that agents may be given.

    An agent gets exactly those that it lists, and never a model key: that stays with the model gateway.
    """


@command.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """List what is stored; values are never shown."""
    store = FileCredentialStore(context.home)
    stored = [(ref, store.fields(ref)) for ref in store.list()]
    if context.json:
        print_json([{"type": ref.type, "instance": ref.instance, "fields": fields} for ref, fields in stored])
    elif not stored:
        say("Nothing is stored yet. `freehold creds add TYPE` stores something, `freehold creds types` lists what.")
    else:
        table(["credential", "fields", "for"], [(ref, ", ".join(fields), _purpose(ref)) for ref, fields in stored])


@command.command(name="add")
@click.argument("ref", metavar="TYPE[:INSTANCE]")
@click.option(
    "--field", "fields", multiple=True, metavar="NAME=VALUE", help="A value; NAME=- reads it from standard input."
)
@click.option("--generate", is_flag=True, help="vps_ssh: make a new key pair instead of asking for one.")
@click.option("--check", "live", is_flag=True, help="Ask its provider first, and store nothing that is refused.")
@click.pass_obj
def add(context: Context, ref: str, fields: tuple[str, ...], generate: bool, live: bool) -> None:
    """Store a credential, asking for each value that is not given; what is typed is not shown."""
    reference, kind = parse_known(ref)
    store = FileCredentialStore(context.home)
    given = read_given(kind, fields)
    if generate:
        given = Given({**generate_key_pair(kind, str(reference)), **given.values})
    given.warn_of_history()
    values = given.values
    if not generate:
        values = {**values, **ask_for_values(kind, given, store.fields(reference), no_input=context.no_input)}
    if not values:
        raise FreeholdError(Code.USAGE, f"nothing was given for {reference}, so nothing was stored")
    checked = check_new(context, store, reference, values) if live else []
    store.put(reference, values)
    _tell_stored(context, store, reference, kind, checked)
    if generate and not context.json:
        say(f"its public key, for the server's authorized_keys:\n{values['public_key'].reveal()}")
    if error := failure_of(checked):
        raise error


@command.command(name="remove")
@click.argument("ref", metavar="TYPE[:INSTANCE]")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(context: Context, ref: str, yes: bool) -> None:
    """Forget a credential with all its fields."""
    reference = _parse(ref)
    store = FileCredentialStore(context.home)
    fields = store.fields(reference)
    if not fields:
        stored = one_of(str(each) for each in store.list())
        raise FreeholdError(Code.NOT_FOUND, f"{reference} is not stored", f"stored: {stored}")
    if not confirm(f"Forget {reference} ({', '.join(fields)})?", yes=yes, no_input=context.no_input):
        note("Nothing was changed.")
        return
    store.remove(reference)
    if context.json:
        print_json({"removed": str(reference)})
    elif not context.quiet:
        say(f"{reference} is forgotten")


@command.command(name="types")
@click.argument("name", default="", metavar="[TYPE]")
@click.pass_obj
def types(context: Context, name: str) -> None:
    """List the types there are, or tell everything about one."""
    if name:
        _, kind = parse_known(name)
        _show_type(context, kind)
    elif context.json:
        print_json(list(CREDENTIAL_TYPES.values()))
    else:
        rows = [(kind.name, _fields(kind), kind.label) for _, kind in sorted(CREDENTIAL_TYPES.items())]
        table(["type", "fields", "what it is"], rows)


@command.command(name="check")
@click.argument("refs", nargs=-1, metavar="[TYPE[:INSTANCE]...]")
@click.option("--fix", is_flag=True, help="Narrow what others could read.")
@click.option("--live", is_flag=True, help="Ask each provider whether it accepts what is stored.")
@click.pass_obj
def check(context: Context, refs: tuple[str, ...], fix: bool, live: bool) -> None:
    """Check what is stored: complete, private, and all that the project's agents need.

    With --live each provider is asked by its cheapest call that only looks; no money is spent. Exit code 4 when a
    credential is refused, 5 when somebody could not be asked.
    """
    store = FileCredentialStore(context.home)
    if live and not fix:
        check_stored(context, store, [parse_known(ref)[0] for ref in refs])
        return
    if refs or live:
        raise FreeholdError(
            Code.USAGE,
            "--live and --fix are two checks" if live else "credentials are named for --live only",
            f"freehold creds check --live {' '.join(refs)}".rstrip(),
        )
    repaired = repair_store(store) if fix else []
    for exposure in repaired:
        note(f"narrowed: {exposure.path}")
    problems = check_store(context, store)
    if context.json:
        print_json({"problems": problems, "narrowed": [str(exposure.path) for exposure in repaired]})
        if not problems:
            return
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise FreeholdError(Code.CREDENTIAL, f"{plural(len(problems), 'problem')} with credentials\n{lines}")
    say(f"{plural(len(store.list()), 'credential')}, all complete and private")


command.add_command(import_)


def parse_known(text: str) -> tuple[CredentialRef, CredentialType]:
    """A reference to a credential of a known type. Raises USAGE with what was perhaps meant."""
    reference = _parse(text)
    kind = CREDENTIAL_TYPES.get(reference.type)
    if kind is None:
        raise FreeholdError(
            Code.USAGE,
            unknown("credential type", reference.type, CREDENTIAL_TYPES),
            "`freehold creds types` lists them",
        )
    return reference, kind


def _parse(text: str) -> CredentialRef:
    try:
        return parse_ref(text)
    except ValueError as error:
        raise FreeholdError(Code.USAGE, f"{shown(text)} {error}", "`freehold creds types` lists the types") from None


def _purpose(ref: CredentialRef) -> str:
    kind = EVERY_CREDENTIAL_TYPE.get(ref.type)
    if kind is None:
        return "unknown type"
    if kind.internal:
        return "Freehold itself"
    return {
        Purpose.SERVICE: f"{kind.own_use}; agents that list it" if kind.own_use else "agents that list it",
        Purpose.MODEL_KEY: "the model gateway",
        Purpose.WEBHOOK_SECRET: "the gateway",
        Purpose.NOTICE: "notices",
    }[kind.purpose]


def _fields(kind: CredentialType) -> str:
    return ", ".join(f"[{field.name}]" if field.optional else field.name for field in kind.fields)


def _tell_stored(
    context: Context,
    store: FileCredentialStore,
    reference: CredentialRef,
    kind: CredentialType,
    checked: Sequence[Checked],
) -> None:
    stored = store.fields(reference)
    missing = [name for name in kind.required_fields if name not in stored]
    if context.json:
        more = {"checked": checked} if checked else {}
        print_json({"stored": str(reference), "fields": stored, "missing": missing, **more})
        return
    for one in checked:
        if one.outcome is not Outcome.UNASKED:  # that is told as an error, at the end
            note(one.sentence)
    if not context.quiet:
        say(f"{reference} is stored: {', '.join(stored)}")
        if kind.env_names:
            note(f"agents that list it find {', '.join(kind.env_names)}")
    if missing:
        note(f"still missing: {', '.join(missing)}")


def _show_type(context: Context, kind: CredentialType) -> None:
    if context.json:
        print_json(kind)
        return
    say(f"{kind.name}: {kind.label}")
    say(kind.description)
    for field in kind.fields:
        variables = f" -> {', '.join(field.env)}" if field.env else ""
        say(f"  {field.name}: {field.label}{' (optional)' if field.optional else ''}{variables}")
    if kind.egress:
        say(f"An agent that lists it may reach {', '.join(kind.egress)}.")
    if kind.own_use:
        say(f"Freehold itself needs it for {kind.own_use}.")
    if kind.is_model_key:
        say("It stays with the model gateway; agents never get it.")
    if kind.help_url:
        say(f"Get one at {kind.help_url}")
    say(f"Store it: freehold creds add {kind.name}")
