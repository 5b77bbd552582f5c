"""`freehold env logs`: the journal of a project's services on its server."""

from __future__ import annotations

import asyncio

import click

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import one_line
from freehold.cli.context import Context
from freehold.cli.output import note, paint, print_json, say
from freehold.cli.server import environment_asked_for, meet
from freehold.cli.when import local_time
from freehold.client.server_target import target_of
from freehold.hosts.host import Command, Host
from freehold.hosts.ssh_host import open_ssh_host
from freehold.project.environments import Environment
from freehold.project.load import name_of, require_project
from freehold.server.journal import JournalLine, journal_words, read_journal_line
from freehold.server.layout import Layout, server_name
from freehold.store.credentials import FileCredentialStore
from freehold.store.known_hosts import KnownHosts

_MOST_BREAKS = 20
"""Broken connections in a row without a line between them; then the server is taken for gone."""
_WAIT_S = 1.0
_COLOURS = {0: "red", 1: "red", 2: "red", 3: "red", 4: "yellow"}


@click.command(name="logs")
@click.argument("name", default="")
@click.option("-n", "--lines", type=click.IntRange(0, 100_000), default=50, show_default=True, help="The last lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, through broken connections too.")
@click.pass_obj
def logs(context: Context, name: str, lines: int, follow: bool) -> None:
    """Show what this project's services said on the server of an environment: gateway, scheduler, keeper, and their
    starts and ends. For what happened in a run: `freehold logs -E NAME`."""
    environment = environment_asked_for(context, name)
    require_project(context.project_dir)
    layout = Layout(server_name(name_of(context.project_dir)))
    reading = _Reading(context, [layout.service, layout.keeper, layout.socket], lines, follow=follow)
    meet(context, lambda: asyncio.run(_read(context, environment, reading)), context.home)
    if not reading.seen and not context.json:
        note(f"{layout.service} said nothing on {environment.name}; `freehold env status` says what is there")


class _Reading:
    """What is read, and how far it came: a further connection goes on after the last line."""

    def __init__(self, context: Context, units: list[str], lines: int, *, follow: bool) -> None:
        self._context = context
        self._units = units
        self._lines = lines
        self.follow = follow
        self._cursor = ""
        self.seen = 0

    async def go_on(self, host: Host) -> None:
        words = journal_words(self._units, self._lines, follow=self.follow, after=self._cursor)
        async for data in host.lines(Command(words, as_root=True)):
            line = read_journal_line(data)
            if line:
                self._cursor = line.cursor
                self.seen += 1
                _show(self._context, line)


async def _read(context: Context, environment: Environment, reading: _Reading) -> None:
    target = target_of(environment, FileCredentialStore(context.home))
    breaks, seen, was_there = 0, reading.seen, False
    while True:
        try:
            host = await open_ssh_host(target, KnownHosts(context.home))
            was_there = True
            try:
                await reading.go_on(host)
            finally:
                await host.close()
        except FreeholdError as error:
            breaks = 0 if reading.seen > seen else breaks + 1
            passes = error.code is Code.UNREACHABLE and reading.follow and was_there
            if not passes or breaks > _MOST_BREAKS:
                raise
            seen = reading.seen
            await asyncio.sleep(_WAIT_S)
        else:
            return


def _show(context: Context, line: JournalLine) -> None:
    if context.json:
        fields = {"ts": rfc3339(line.at), "unit": line.unit, "priority": line.priority, "message": line.message}
        print_json(fields)
        return
    who = line.unit.partition("@")[0].removeprefix("freehold-") or "freehold"
    say(f"{local_time(rfc3339(line.at))} {who}: ", paint(one_line(line.message), fg=_COLOURS.get(line.priority)))
