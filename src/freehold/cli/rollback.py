"""`freehold rollback` and `freehold releases`: which releases a server keeps, and going back to one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from freehold.base.words import duration
from freehold.cli.confirming import confirmed
from freehold.cli.context import Context
from freehold.cli.output import note, print_json, require_terminal, say, table
from freehold.cli.push_progress import PushProgress
from freehold.cli.server import environment_asked_for, meet
from freehold.cli.when import local_time
from freehold.client.server_target import target_of
from freehold.deploy.apply import Phases
from freehold.deploy.health import HealthPart
from freehold.deploy.rollback import Rollback, RolledBack, release_to_go_back_to, releases_on
from freehold.deploy.unhealthy import TIMEOUT_S, UnhealthyError
from freehold.hosts.ssh_host import SshHost, open_ssh_host
from freehold.project.environments import Environment
from freehold.project.load import name_of, require_project
from freehold.server.layout import BASE, Layout, server_name
from freehold.store.credentials import FileCredentialStore
from freehold.store.known_hosts import KnownHosts

Result = TypeVar("Result")


@click.command(name="rollback")
@click.argument("release", default="")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--health-timeout", type=click.FloatRange(1, 3600), default=TIMEOUT_S, show_default=True, metavar="SECONDS",
    help="How long it may take until it is well; else the release that counts now is brought back.",
)  # fmt: skip
@click.pass_obj
def rollback(context: Context, release: str, yes: bool, health_timeout: float) -> int:
    """Let an earlier release count again on a server: RELEASE, or the one before that nobody went back from.

    Its files, its program and its units come back; credentials and the database stay as they are. Nothing is built, and
    nothing travels. The next push brings what the project's folder holds then, and so undoes the rollback.
    """
    environment, layout = _asked_for(context)
    if not yes:
        require_terminal(f"Go back to {release or 'the release before'}?", "--yes", no_input=context.no_input)

    async def work(host: SshHost) -> RolledBack | None:
        asked = release if yes else await _agreed(environment.name, layout, host, release)
        if asked is None:
            return None
        phases = Phases(PushProgress("", quiet=context.quiet or context.json))
        going = Rollback(host, layout, HealthPart(layout, timeout_s=health_timeout), phases)
        try:
            return await going.carry_out(asked)
        except asyncio.CancelledError:  # Ctrl-C; typed once more without a name, it would go back once more
            note(_halfway(layout.project, environment.name))
            raise

    try:
        done = _with_host(context, environment, work)
    except UnhealthyError as error:
        for line in () if context.json else error.journal:
            note(f"  | {line}")
        raise
    if done is None:
        return 1
    if context.json:
        phases_s = {str(step): round(seconds, 3) for step, seconds in done.phases_s.items()}
        print_json({"release": done.release, "before": done.before, "phases_s": phases_s})
        return 0
    took = duration(sum(done.phases_s.values()))
    say(f"{layout.project} on {environment.name}: release {done.release.id} counts, in {took}; before {done.before.id}")
    if not context.quiet:
        note("The project's folder here is as it was: the next push brings its state again, and so undoes this.")
    return 0


async def _agreed(environment: str, layout: Layout, host: SshHost, release: str) -> str | None:
    """The release that the person wants to go back to, having been told which it is."""
    found = release_to_go_back_to(await releases_on(host, layout), layout, release, environment)
    pushed = f"pushed {local_time(found.pushed_at)} by {found.pushed_by}"
    question = f"Go back to release {found.id} of {layout.project} on {environment}, {pushed}?"
    return found.id if await confirmed(question) else None


def _halfway(project: str, environment: str) -> str:
    return (
        f"{project} on {environment}: which release counts, and whether it is well, was not seen; if it is not, "
        "the server goes back to the one before. "
        f"`freehold releases -E {environment}` lists them; name the one that you want: "
        f"freehold rollback RELEASE -E {environment}"
    )


@click.command(name="releases")
@click.pass_obj
def releases(context: Context) -> None:
    """List the releases of this project that a server keeps, the newest first."""
    environment, layout = _asked_for(context)
    facts = _with_host(context, environment, lambda host: releases_on(host, layout))
    found = sorted(facts.releases, key=lambda record: record.id, reverse=True)
    if context.json:
        left = facts.rolled_back
        print_json(
            {"environment": environment.name, "current": facts.current or None, "releases": found, "rolledBack": left}
        )
    elif not found:
        say(f"{layout.project} was never pushed to {environment.name}: freehold push -E {environment.name}")
    else:
        rows = [
            ("*" if each.id == facts.current else "", each.id, local_time(each.pushed_at), each.pushed_by, each.git,
             each.version, "rolled back" if each.id in facts.rolled_back else "")
            for each in found
        ]  # fmt: skip
        table(["", "release", "pushed", "by", "commit", "freehold", ""], rows)


def _asked_for(context: Context) -> tuple[Environment, Layout]:
    environment = environment_asked_for(context)
    require_project(context.project_dir)
    base = environment.server.base_path if environment.server else BASE
    return environment, Layout(server_name(name_of(context.project_dir)), base)


def _with_host(
    context: Context, environment: Environment, work: Callable[[SshHost], Coroutine[Any, Any, Result]]
) -> Result:
    target = target_of(environment, FileCredentialStore(context.home))

    async def connected() -> Result:
        host = await open_ssh_host(target, KnownHosts(context.home))
        try:
            return await work(host)
        finally:
            await host.close()

    return meet(context, lambda: asyncio.run(connected()), context.home)
