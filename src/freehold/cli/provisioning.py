"""What `freehold env prov` and `env https` do, from the first question to the last line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import did_you_mean, one_of
from freehold.cli.asking import can_ask
from freehold.cli.context import Context
from freehold.cli.output import confirm, note, print_json, say
from freehold.cli.provision_flags import FIRST, Flags
from freehold.cli.provision_means import means_for, project_here
from freehold.cli.provision_questions import ask_all
from freehold.cli.provision_shop import Shop
from freehold.cli.provision_tell import Teller, found, say_ready, summary, tell
from freehold.cli.server_key import key_path, make_key
from freehold.deploy.provision.choices import NEW_KEY, PROVIDERS, key_chosen
from freehold.deploy.provision.failure import ways_on, with_ways_on
from freehold.deploy.provision.https import addresses_of, read_pair, require_free
from freehold.deploy.provision.journey import Journey
from freehold.deploy.provision.lookup import look_up
from freehold.deploy.provision.order import answers_of, wish_of
from freehold.deploy.provision.record import Changes, Record
from freehold.deploy.provision.step import Step
from freehold.deploy.provision.wish import EXISTING, Wish
from freehold.deploy.provision.wizard import NO_HTTPS, Ask, Wizard, missing
from freehold.hosts.failures import HostKeyError
from freehold.project.environments import name_problem
from freehold.project.host_key import Pin
from freehold.providers.ownership import Owner
from freehold.store.environments import Environments
from freehold.store.installation import installation_id

_CHANGEABLE = (Ask.PROVIDER, Ask.PLAN, Ask.REGION, Ask.IMAGE, Ask.SSH_KEY, Ask.HOST, Ask.USER, Ask.PORT, Ask.KEY)


async def provision(context: Context, name: str, flags: Flags) -> None:
    """`env prov`: a new environment, or one that was begun."""
    if problem := name_problem(name):
        raise FreeholdError(Code.USAGE, problem)
    record, shop = Record(Environments(context.home), name), Shop(context, name)
    try:
        if record.exists:
            await _take_up(context, record, shop, flags)
        elif not await _begin(context, record, shop, flags):
            return
        await _travel(context, record, shop, flags, ["freehold", "env", "prov", name])
    finally:
        await shop.close()
    _tell_ready(context, record)


async def add_https(context: Context, name: str, flags: Flags) -> None:
    """`env https`: a name for an environment that has a server."""
    record, shop = Record(Environments(context.home), name), Shop(context, name)
    environment = record.environment
    if not environment.has_server:
        raise FreeholdError(
            Code.CONFIG, f"environment {name} has no server yet", f"freehold env prov {name} makes one."
        )
    if not _may_take_name(context, record, flags):
        note("Nothing was changed.")
        return
    try:
        record.mark(installation_id(context.home))
        wish = await _web_wish(context, record, shop, flags)
        before = record.provision
        changed = (record.server.hostname, before.certificate) != (wish.hostname, wish.certificate)
        undone = [Step.SSL_MODE, Step.DNS, *([Step.CERTIFICATE] if changed or wish.certificate == "own" else [])]
        web = {"hostname": wish.hostname, "cloudflareZoneId": wish.zone_id or None}
        done = [step for step in before.done if step not in undone]
        record.write(Changes(web, {**wish.provision_table, "done": done}))
        words = ["freehold", "env", "https", name, wish.hostname]
        await _travel(context, record, shop, flags, words)
    finally:
        await shop.close()
    _tell_ready(context, record, f"https://{record.server.hostname}")


def _may_take_name(context: Context, record: Record, flags: Flags) -> bool:
    """A name leads to one project. That it leads to another one from now on is agreed to first."""
    provision = record.environment.provision  # there is none yet where `env add` made the environment
    here, there, hostname = project_here(context), provision.project if provision else "", record.server.hostname
    if not (hostname and here and there) or here == there:
        return True
    question = (
        f"{hostname} of {record.name} leads to {there}; {record.name} would be {here}'s from now on, and {there} "
        f"without a name.\nOne server may have several environments (freehold env add USER@HOST --name NAME), one for "
        f"each project. Take it from {there}?"
    )
    return confirm(question, yes=flags.yes, no_input=context.no_input)


async def _begin(context: Context, record: Record, shop: Shop, flags: Flags) -> bool:
    """Questions, a summary, a question; and the environment's file. Whether it was agreed to."""
    given, project = flags.given, project_here(context)
    if flags.https and not project:
        raise FreeholdError(Code.USAGE, "--https is for a project, and this is no project's folder", "-p names one.")
    if (named := given.get(Ask.PROVIDER, EXISTING)) not in PROVIDERS:
        there = f"There are: {one_of(PROVIDERS)}."
        raise FreeholdError(Code.NOT_FOUND, f'no provider "{named}" {did_you_mean(named, PROVIDERS)}'.rstrip(), there)
    if not can_ask(context):
        _require_all(given, flags)
    wizard = Wizard(given, web=bool(project))
    if can_ask(context):
        wizard = await ask_all(wizard, shop)
    else:
        wizard = Wizard({Ask.SIGNER: NO_HTTPS, **given}, web=bool(project)).by_default()
    wish = await _wish(context, shop, record.name, wizard.answers, flags)
    owner = Owner(installation_id(context.home), record.name)
    await _require_web(wish, shop, flags, owner, ())
    if not (context.quiet or context.json):
        tell([f"{record.name}:", *summary(wish, shop.facts, record.name)])
    question = "Rent this server?" if wish.price else "Make this server?" if wish.rents else "Use this server?"
    if not confirm(question, yes=flags.yes, no_input=context.no_input):
        note("Nothing was changed.")
        return False
    if wish.key == NEW_KEY:
        wish = _with_key(context, record.name, wish, make_key(context, record.name))
    record.begin(wish, owner.installation)
    return True


def _require_all(given: dict[Ask, str], flags: Flags) -> None:
    """Every flag that is missing at once, where nobody can be asked."""
    needed = [*missing(given), *([] if flags.yes else ["--yes"])]
    if needed == ["--yes"]:
        return  # the question itself says so, after everything was checked
    if needed:
        raise FreeholdError(
            Code.USAGE,
            f"nobody can be asked here, and these are missing: {', '.join(needed)}",
            "For a server of yours it is --provider existing --host HOST. At a terminal they are asked for.",
        )


async def _wish(context: Context, shop: Shop, name: str, answers: dict[Ask, str], flags: Flags) -> Wish:
    """What the answers come to. Raises NOT_FOUND, USAGE."""
    for ask in (Ask.PLAN, Ask.SSH_KEY, *((Ask.SSL_MODE,) if Ask.HTTPS in answers else ())):
        await shop.visit(ask, answers)
    rents = answers[Ask.PROVIDER] != "existing"
    key = key_chosen(answers, shop.facts) if rents else ""
    expose = True if flags.expose is None else flags.expose
    host_key = "" if flags.host_key in ("", FIRST) else _pin(flags.host_key)
    wish = wish_of(
        answers, shop.facts, key=key, expose=expose, host_key=host_key, project=project_here(context)
    )  # fmt: skip
    return wish if key in ("", NEW_KEY) else _with_key(context, name, wish, key)


def _with_key(context: Context, name: str, wish: Wish, key: str) -> Wish:
    return replace(wish, key=key, key_path=wish.key_path or key_path(context, name, key))


async def _require_web(wish: Wish, shop: Shop, flags: Flags, owner: Owner, addresses: tuple[str, ...]) -> None:
    """What can be wrong with HTTPS, before anything is made for it."""
    if wish.certificate == "own":
        read_pair(Path(wish.certificate_file), Path(wish.certificate_key_file), wish.hostname)
    elif wish.certificate and not flags.replace_records:
        await require_free(await shop.dns(), wish.zone_id, wish.hostname, addresses, owner)


async def _take_up(context: Context, record: Record, shop: Shop, flags: Flags) -> None:
    """An environment that was begun: flags may change what is not there yet."""
    before, given = answers_of_record(record), flags.given
    changed = {ask: given[ask] for ask in _CHANGEABLE if ask in given and given[ask] != before.get(ask)}
    if Ask.HTTPS in given and given[Ask.HTTPS] != before.get(Ask.HTTPS):
        raise FreeholdError(
            Code.CONFLICT,
            f"{record.name} was begun {'for ' + before[Ask.HTTPS] if Ask.HTTPS in before else 'without HTTPS'}",
            f"Once its server is there: freehold env https {record.name} {given[Ask.HTTPS]}",
        )
    if flags.host_key and flags.host_key != FIRST:
        record.write(Changes({"hostKey": _pin(flags.host_key)}))
    elif flags.host_key and Step.LOGIN not in record.provision.done:
        record.write(Changes({"hostKey": None}))  # one that somebody named before, and that was not shown
    if not changed:
        return
    made = Step.SERVER if before[Ask.PROVIDER] != "existing" else Step.LOGIN
    if made in record.provision.done or Ask.PROVIDER in changed:
        differing = ", ".join(f"{ask.flag} {before.get(ask, '(nothing)')}" for ask in changed)
        raise FreeholdError(
            Code.CONFLICT,
            f"environment {record.name} was begun with {differing}",
            f"Leave the flags out to go on. Or take it down first: freehold env deprov {record.name}",
        )
    answers = {**before, **changed}
    if changed.keys() & {Ask.PLAN} and Ask.IMAGE not in changed:
        answers.pop(Ask.IMAGE, None)  # its processor may be another
    wish = await _wish(context, shop, record.name, answers, flags)
    record.wish_anew(wish)


def answers_of_record(record: Record) -> dict[Ask, str]:
    """Raises CONFLICT for an environment that `env prov` did not begin."""
    provision, server = record.provision, record.server
    begun = server.provider == EXISTING or provision.plan
    if Step.RECORD not in provision.done or not server.provider or not begun:
        raise FreeholdError(
            Code.CONFLICT,
            f"environment {record.name} is there already, and was not made by `env prov`",
            f"Choose another name. For HTTPS: freehold env https {record.name} HOSTNAME",
        )
    return answers_of(record.environment)


async def _web_wish(context: Context, record: Record, shop: Shop, flags: Flags) -> Wish:
    project, given = project_here(context), flags.given
    if not project:
        raise FreeholdError(Code.USAGE, "the name leads to a project, and this is no project's folder", "-p names one.")
    if not record.server.expose:
        raise FreeholdError(
            Code.CONFLICT,
            f"environment {record.name} has expose = false: its server has no edge that could answer",
            f"Set it to true in {Environments(context.home).file(record.name)}; or your own proxy has the certificate.",
        )
    before = record.provision.ssl_mode
    answers = {Ask.PROVIDER: "existing", Ask.HOST: record.server.host, **given}
    if Ask.SSL_MODE not in answers and before:
        answers[Ask.SSL_MODE] = before
    wizard = Wizard({**answers, Ask.USER: "root", Ask.PORT: "22", Ask.KEY: ""})
    if wizard.next is not None and not can_ask(context):
        raise FreeholdError(
            Code.USAGE,
            f"nobody can be asked here, and this is missing: {wizard.next.flag}",
            "A certificate of your own is brought by --cert and --key.",
        )
    wizard = await ask_all(wizard, shop)
    await shop.visit(Ask.SSL_MODE, wizard.answers)
    wish = wish_of(wizard.answers, shop.facts, key="", expose=True, host_key="", project=project)
    owner = record.owner
    addresses = () if wish.certificate == "own" else await addresses_of(record.server.host, look_up)
    await _require_web(wish, shop, flags, owner, addresses)
    return wish


async def _travel(context: Context, record: Record, shop: Shop, flags: Flags, words: Sequence[str]) -> None:
    """What is left. Every failure says how to go on."""
    again = [*words, *(["--replace-records"] if flags.replace_records else [])]
    teller = Teller(context)
    journey = Journey(record, await means_for(context, record, shop, flags, teller))
    try:
        with Environments(context.home).held(record.name):
            await journey.go()
    except HostKeyError as error:
        raise with_ways_on(
            _with_hint(error, words, record), ways_on(record.environment, journey.doing, again)
        ) from error
    except FreeholdError as error:
        raise with_ways_on(error, ways_on(record.environment, journey.doing, again)) from error
    except asyncio.CancelledError:
        tell(["", *ways_on(record.environment, journey.doing, again)])
        raise


def _with_hint(error: HostKeyError, words: Sequence[str], record: Record) -> FreeholdError:
    """How to accept a host key by the command that is under way. That of a jump host is accepted by `env check`."""
    hint = error.hint
    if error.name == record.name:
        hint = hint.replace(f"freehold env check {record.name}", " ".join(words))
    return FreeholdError(error.code, error.message, hint)


def _tell_ready(context: Context, record: Record, answer: str = "") -> None:
    """`answer` is what was asked for, where that is not the server's address."""
    environment = record.environment
    assert environment.server is not None
    if context.json:
        print_json(found(environment))
        return
    say(answer or environment.server.host)
    say_ready(context, environment)


def _pin(text: str) -> str:
    try:
        pin = Pin.parse(text)
    except ValueError as error:
        raise FreeholdError(Code.USAGE, f"--host-key: {error}", "Or `first`: whichever it shows first.") from None
    return str(pin.key or pin.fingerprint)
