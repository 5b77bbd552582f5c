"""`freehold webhook simulate|receipts|show|replay`: tried before a sender knows the address, and looked at after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped
from freehold.base.words import plural
from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import json_line, note, paint, print_json, say, table
from freehold.cli.refused_deliveries import refused_lines
from freehold.cli.table import Narrower
from freehold.cli.webhook_fixture import read_fixture
from freehold.cli.webhook_try import Tried, post, simulate_for, try_out
from freehold.cli.when import local_time, to_the_minute
from freehold.client.gateway import Gateway, in_path
from freehold.project.load import load_project
from freehold.wire.service import ReceiptDetail, ReceiptView, RefusedDeliveries, WebhookAnswer

_LONGEST_SUMMARY = 60
_NARROWER: list[Narrower] = [("received", to_the_minute), ("what", None), ("source", None)]


@click.group(name="webhook")
def command() -> None:
    """Try webhooks out, look at what came, and take deliveries in again."""


@command.command(name="simulate")
@click.argument("source")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--event", default="", help="What its sender calls it, where that stands in a header: `issues`.")
@click.option("--send", is_flag=True, help="Send it to the running project, signed: what it starts is real.")
@click.pass_obj
def simulate(context: Context, source: str, file: Path, event: str, send: bool) -> None:
    """Say which agents a delivery to SOURCE would start, and of every other one why not.

    FILE holds its body, or `{"headers": {...}, "body": {...}}`. Nothing starts, unless --send.
    """
    project = load_project(context.project_dir, home=context.home, environment=context.environment)
    delivery = simulate_for(context, project, source, read_fixture(file), event=event)
    if send:
        answer = post(gateway_of(context), delivery)
        _tell_sent(context, answer)
        return
    tried = try_out(project, delivery)
    print_json(tried) if context.json else _show(tried, quiet=context.quiet)


@command.command(name="receipts")
@click.option("--source", default="", help="Of this source alone.")
@click.option("--status", default="", help="accepted, unmatched or refused.")
@click.option("--text", default="", help="With this in what is told of it.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many.")
@click.pass_obj
def receipts(context: Context, source: str, status: str, text: str, limit: int) -> None:
    """List what came, newest first, and count what was refused because nothing proved whose it is.

    Of those, nothing is kept; with --json they are in `freehold status --json`.
    """
    asked = {"source": source, "status": status, "text": text, "limit": limit}
    gateway = gateway_of(context)
    found = gateway.get("/receipts", list[ReceiptView], **asked)
    if context.json:
        print_json(found)
        return
    if found:
        table(["receipt", "received", "source", "event", "status", "what"], [_row(one) for one in found], _NARROWER)
    else:
        say("Nothing came, or nothing of that kind.")
    if not context.quiet and (refused := _refused(gateway)):
        say("\nRefused since the start:")
        for line in refused_lines(refused):
            say(line)


@command.command(name="show")
@click.argument("receipt")
@click.pass_obj
def show(context: Context, receipt: str) -> None:
    """Show what came, which agents it started, and of every other one why not."""
    found = gateway_of(context).get(f"/receipts/{in_path(receipt)}", ReceiptDetail)
    if context.json:
        print_json(found)
        return
    for line in _told(found):
        say(line)


@command.command(name="replay")
@click.argument("receipt")
@click.pass_obj
def replay(context: Context, receipt: str) -> None:
    """Take a delivery in again, as if it came now, with the triggers as they are now."""
    answer = gateway_of(context).post(f"/receipts/{in_path(receipt)}/replay", WebhookAnswer)
    print_json(answer) if context.json else _tell(answer)


def _refused(gateway: Gateway) -> list[RefusedDeliveries]:
    try:
        return gateway.get("/refused-deliveries", list[RefusedDeliveries])
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND:  # a project on a server may be of an earlier version
            raise
        return []


def _tell(answer: WebhookAnswer) -> None:
    skipped = f", {answer.skipped} could not" if answer.skipped else ""
    repeated = "; it was accepted before" if answer.duplicate else ""
    say(f"{plural(answer.matched, 'agent')} started{skipped}{repeated}")


def _tell_sent(context: Context, answer: bytes) -> None:
    """A receipt in words, and what it leads to; whatever else a sender is answered, as it is."""
    try:
        receipt = msgspec.json.decode(answer, type=WebhookAnswer)
    except msgspec.DecodeError:
        receipt = WebhookAnswer()
    if context.json or not receipt.receipt_id:
        say(json_line(answer))
        return
    _tell(receipt)
    if not context.quiet:
        note(f"freehold webhook show {receipt.receipt_id} says what came of it")


def _told(found: ReceiptDetail) -> Iterator[str]:
    one = found.receipt
    yield f"{one.source} {one.event}, {local_time(one.received_at)}: {one.status}"
    yield from filter(None, (one.summary, one.reason))
    if one.delivery_id:
        yield f"delivery {one.delivery_id}"
    if one.replay_of:
        yield f"replay of {one.replay_of}"
    yield from (f"started: trigger {trigger}" for trigger in found.triggers)
    yield ""
    yield from (f"{name}: {value}" for name, value in found.headers.items())
    yield ""
    yield found.body


def _show(tried: Tried, *, quiet: bool) -> None:
    if not quiet:
        say(paint(tried.event, bold=True), f" {tried.action}".rstrip(), f" from {tried.source}")
    for agent in tried.starts:
        say(paint("✓ ", fg="green", bold=True), f"{agent} would start")
    for agent, why in tried.refusals.items():
        say(f"- {agent}: {why}")
    if not tried.starts and not tried.refusals:
        say("no agent has a trigger for this source")


def _row(receipt: ReceiptView) -> tuple[str, ...]:
    return (
        receipt.id,
        local_time(receipt.received_at),
        receipt.source,
        receipt.event,
        receipt.status,
        clipped(receipt.reason or receipt.summary, _LONGEST_SUMMARY),
    )
