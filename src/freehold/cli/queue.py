"""`freehold queue [list|dead|replay|discard]`: what waits for its turn, and what was given up."""

from __future__ import annotations

import click

from freehold.base.plain_text import clipped
from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import confirm, note, print_json, say, table
from freehold.cli.pasted import for_environment
from freehold.cli.table import Narrower
from freehold.cli.trigger_id import whole_trigger_id
from freehold.cli.when import local_time, to_the_minute
from freehold.client.gateway import in_path
from freehold.wire.service import TriggerView

_LONGEST_REASON = 80
_USUAL = 50
_NARROWER: list[Narrower] = [
    ("since", to_the_minute),
    ("not before", to_the_minute),
    ("attempts", None),
    ("not before", None),
    ("from", None),
    ("since", None),
]
_NARROWER_DEAD: list[Narrower] = [("given up", to_the_minute), ("from", None), ("given up", None)]


@click.group(name="queue", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what waits for its turn, and what was given up.

    Nothing that was taken in is lost: what could not begin is a dead letter, which can be replayed.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_, limit=_USUAL)


_limited = click.option(
    "-n", "--limit", type=click.IntRange(1, 500), default=_USUAL, show_default=True, help="How many, newest first."
)


@command.command(name="list")
@_limited
@click.pass_obj
def list_(context: Context, limit: int) -> None:
    """List what waits, newest first."""
    waiting = gateway_of(context).get("/queue", list[TriggerView], limit=limit)
    if context.json:
        print_json(waiting)
    elif not waiting:
        say("Nothing waits.")
    else:
        rows = [
            (one.id, one.agent, _came_from(one), local_time(one.created_at), _not_before(one), str(one.attempts))
            for one in waiting
        ]
        table(["trigger", "agent", "from", "since", "not before", "attempts"], rows, _NARROWER)
        _tell_more(context, waiting, limit)


@command.command(name="dead")
@_limited
@click.pass_obj
def dead(context: Context, limit: int) -> None:
    """List what was given up, and why."""
    letters = gateway_of(context).get("/dead-letters", list[TriggerView], limit=limit)
    if context.json:
        print_json(letters)
    elif not letters:
        say("Nothing was given up.")
    else:
        rows = [
            (one.id, one.agent, _came_from(one), local_time(one.ended_at or one.created_at), _reason(one))
            for one in letters
        ]
        table(["trigger", "agent", "from", "given up", "why"], rows, _NARROWER_DEAD)
        if not context.quiet:
            note("freehold queue replay TRIGGER lets one wait again")
        _tell_more(context, letters, limit)


@command.command(name="replay")
@click.argument("trigger")
@click.pass_obj
def replay(context: Context, trigger: str) -> None:
    """Let a dead letter wait again, as it came. The beginning of TRIGGER will do, where only one begins so."""
    gateway = gateway_of(context)
    trigger = whole_trigger_id(gateway, "/dead-letters", trigger)
    answer = gateway.post(f"/triggers/{in_path(trigger)}/replay", object)
    if context.json:
        print_json(answer)
    elif not context.quiet:
        say(f"{trigger} waits again")


@command.command(name="discard")
@click.argument("trigger")
@click.option("--dead", "is_dead", is_flag=True, help="It is a dead letter: give it up for good.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def discard(context: Context, trigger: str, is_dead: bool, yes: bool) -> None:
    """Let something that waits not begin; it is kept as a dead letter. With --dead, a dead letter is given up.

    The beginning of TRIGGER will do, where only one begins so.
    """
    gateway = gateway_of(context)
    trigger = whole_trigger_id(gateway, "/dead-letters" if is_dead else "/queue", trigger)
    question = f"Give {trigger} up for good?" if is_dead else f"Let {trigger} not begin?"
    if not confirm(question, yes=yes, no_input=context.no_input):
        note("Nothing was changed.")
        return
    place = "dead-letters" if is_dead else "triggers"
    answer = gateway.post(f"/{place}/{in_path(trigger)}/discard", object)
    if context.json:
        print_json(answer)
    elif not context.quiet:
        undone = for_environment(f"`freehold queue replay {trigger}` takes that back", context.environment)
        say(f"{trigger} {'is given up' if is_dead else f'will not begin; {undone}'}")


def _tell_more(context: Context, listed: list[TriggerView], limit: int) -> None:
    if len(listed) == limit and not context.quiet:
        note("there may be more: -n says how many to list")


def _came_from(trigger: TriggerView) -> str:
    return f"{trigger.type} {trigger.source}".strip()


def _not_before(trigger: TriggerView) -> str:
    """A time that is to be waited for, where it is not when the trigger came."""
    return local_time(trigger.not_before) if trigger.not_before > trigger.created_at else ""


def _reason(trigger: TriggerView) -> str:
    return clipped(trigger.reason or trigger.result, _LONGEST_REASON)
