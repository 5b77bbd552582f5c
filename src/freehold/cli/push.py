"""`freehold push`: a project, or one agent of it, to the servers of environments."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.loading import loading
from freehold.base.words import duration
from freehold.cli.confirming import confirmed
from freehold.cli.context import Context
from freehold.cli.output import note, print_error, print_json, say
from freehold.cli.push_interrupted import interrupted
from freehold.cli.push_progress import PushProgress
from freehold.cli.server import environment_asked_for, meet
from freehold.client.server_target import target_of
from freehold.deploy.step import SERVER_WIDE
from freehold.deploy.unhealthy import TIMEOUT_S, UnhealthyError
from freehold.hosts.failures import UnknownHostKeyError
from freehold.hosts.ssh_host import SshHost, open_ssh_host
from freehold.project.environments import Environment
from freehold.store.credentials import FileCredentialStore
from freehold.store.known_hosts import KnownHosts

if TYPE_CHECKING:
    from freehold.cli.push_reading import Brought
    from freehold.deploy.managed_files import LogIn
    from freehold.deploy.plan import Plan
    from freehold.deploy.push import Pushed
    from freehold.hosts.host import Host

_AT_ONCE = 10
"""Servers. Each has a connection and little work here; what is limited is this machine's upload."""


@dataclass(frozen=True)
class _Options:
    agent: str
    dry_run: bool
    yes: bool
    health_timeout_s: float


@dataclass
class _Result:
    """What became of one environment; `error` counts before the others."""

    environment: Environment
    plan: Plan | None = None
    pushed: Pushed | None = None
    error: FreeholdError | None = None


@click.command(name="push")
@click.argument("agent", default="")
@click.option(
    "-E", "--env", "environments", multiple=True, metavar="NAME", help="The environment; several are possible."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, with files and differences, and do nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a server of your own is set up.")
@click.option(
    "--health-timeout", type=click.FloatRange(1, 3600), default=TIMEOUT_S, show_default=True, metavar="SECONDS",
    help="How long it may take until it is well; then the release before is brought back.",
)  # fmt: skip
@click.pass_obj
def command(
    context: Context, agent: str, environments: tuple[str, ...], dry_run: bool, yes: bool, health_timeout: float
) -> int:
    """Push the project to a server: files, program, credentials, services. With AGENT, that agent alone.

    What is there already does not travel. The running project takes new files over without a restart, and no run is
    touched. When the new release is not well, the one before is brought back, and the exit code is 6.
    """
    named = environments or ("",)
    found = [environment_asked_for(context, name) for name in dict.fromkeys(named)]
    options = _Options(agent, dry_run, yes, health_timeout)
    work = _Work(context, found, options)
    meet(context, lambda: asyncio.run(work.do()), context.home)
    return _tell(context, work.results, dry_run=dry_run)


class _Work:
    """All environments of one call; `results` has one for each when it is done. What is brought is read while the
    servers are logged in to."""

    def __init__(self, context: Context, environments: Sequence[Environment], options: _Options) -> None:
        self._context = context
        self._environments = environments
        self._options = options
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._asking = asyncio.Lock()
        credentials = FileCredentialStore(context.home)
        self._targets = {each.name: target_of(each, credentials) for each in environments}
        self.results: list[_Result] = []

    async def do(self) -> None:
        """Raises what is wrong with the project, and `UnknownHostKeyError`, before anything was done anywhere; other
        errors are in the results.

        They are not returned: at its end `asyncio.run` writes the task with its result as text (it asks `signal` for
        the handler, which names its task), and with the program's bundle in it that took 0.2 s for each server.
        """
        async with asyncio.TaskGroup() as group:
            logins = [group.create_task(self._log_in(each)) for each in self._environments]
            reading = group.create_task(self._read())
        hosts = [login.result() for login in logins]
        try:
            brought = reading.result()
            if isinstance(brought, Exception):
                raise brought
            for host in hosts:
                if isinstance(host, UnknownHostKeyError):
                    raise host
            pairs = zip(brought, hosts, strict=True)
            self.results = await asyncio.gather(*(self._one(each, host) for each, host in pairs))
        finally:
            await asyncio.gather(*(host.close() for host in hosts if isinstance(host, SshHost)))

    async def _read(self) -> list[Brought] | FreeholdError | OSError:
        module = await asyncio.to_thread(_load, "freehold.cli.push_reading")
        context, options = self._context, self._options
        try:
            found: list[Brought] = await module.read_here(
                context.project_dir, context.home, self._environments, options.agent, options.health_timeout_s,
                only_plan=options.dry_run,
            )  # fmt: skip
        except (FreeholdError, OSError) as error:
            return error
        return found

    async def _log_in(self, environment: Environment) -> SshHost | FreeholdError:
        try:
            host = await open_ssh_host(self._targets[environment.name], KnownHosts(self._context.home))
        except FreeholdError as error:
            return error
        host.begin_python(as_root=True)  # while the rest is still read here
        return host

    async def _one(self, brought: Brought, host: SshHost | FreeholdError) -> _Result:
        result = _Result(brought.wanted.environment)
        if isinstance(host, FreeholdError):
            result.error = host
            return result
        async with self._room:
            try:
                await self._push(brought, host, result)
            except FreeholdError as error:
                result.error = error
        return result

    async def _push(self, brought: Brought, host: SshHost, result: _Result) -> None:
        environment = result.environment
        prefix = f"{environment.name} " if len(self._environments) > 1 else ""
        progress = PushProgress(prefix, quiet=self._context.quiet or self._context.json)
        push = brought.push(host, self._log_in_again(environment), progress, take_over=self._options.yes)
        if self._options.dry_run:
            result.plan = await push.plan()
            return
        async with push.begun() as begun:
            result.plan = begun.plan
            await self._require_consent(environment, begun.plan)
            try:
                result.pushed = await begun.carry_out()
            except asyncio.CancelledError:  # Ctrl-C
                note(interrupted(environment.name, begun.plan, progress.furthest))
                raise

    def _log_in_again(self, environment: Environment) -> LogIn:
        async def log_in() -> Host:
            return await open_ssh_host(self._targets[environment.name], KnownHosts(self._context.home))

        return log_in

    async def _require_consent(self, environment: Environment, plan: Plan) -> None:
        """A server that was not made by us is its owner's: what is changed on it beside the project is asked for."""
        changes = [change.what for each in plan.due if each.step in SERVER_WIDE for change in each.changes]
        ours = environment.server is not None and environment.server.provider not in ("", "existing")
        if ours or not changes or self._options.yes:
            return
        listed = "\n".join(f"  {what}" for what in changes)
        told = f"{environment.name} is a server of your own. Beside the project, this is changed on it:\n{listed}"
        async with self._asking:
            if not await confirmed(f"{told}\nGo on?", no_input=self._context.no_input):
                raise FreeholdError(Code.INTERRUPTED, "nothing was changed")


def _load(name: str) -> ModuleType:
    with loading():
        return importlib.import_module(name)


def _tell(context: Context, results: Sequence[_Result], *, dry_run: bool) -> int:
    if context.json:
        print_json({"environments": [_described(each) for each in results]})
    for each in results:
        if each.error:
            _tell_error(context, each.error)
        elif not context.json:
            say(*_sentence(each, dry_run=dry_run))
    failed = [each.error for each in results if each.error]
    return failed[0].exit_code if failed else 0


def _tell_error(context: Context, error: FreeholdError) -> None:
    if isinstance(error, UnhealthyError) and not context.json:
        for line in error.journal:
            note(f"  | {line}")
    print_error(error, as_json=context.json)


def _sentence(result: _Result, *, dry_run: bool) -> list[str]:
    plan, name = result.plan, result.environment.name
    assert plan is not None
    if not (plan.due or plan.missing):
        return [f"{plan.project} on {name} is as it should be: release {plan.release.id}"]
    if dry_run:
        when = ", once no credential is missing" if plan.missing else ""
        return [f"{plan.project} on {name}: this would be done{when}\n", *(f"{line}\n" for line in plan.lines())]
    assert result.pushed is not None
    took = duration(sum(result.pushed.phases_s.values()))
    what = "pushed" if plan.is_new_release else "put right"
    return [f"{plan.project} on {name}: {what}, release {plan.release.id}, in {took}"]


def _described(result: _Result) -> dict[str, object]:
    pushed = result.pushed
    return {
        "environment": result.environment.name,
        **(result.plan.as_dict() if result.plan else {}),
        "changed": bool(pushed and pushed.changed),
        "phases_s": {str(step): round(seconds, 3) for step, seconds in pushed.phases_s.items()} if pushed else {},
        "error": result.error.as_dict() if result.error else None,
        "journal": list(result.error.journal) if isinstance(result.error, UnhealthyError) else [],
    }
