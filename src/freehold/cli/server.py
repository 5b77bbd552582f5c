"""Reaching servers from commands: which environment is meant, and what a person is asked at a first meeting."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.output import note
from freehold.client.server_target import target_of
from freehold.client.tunnel import Tunnel
from freehold.hosts.failures import HOW_TO_COMPARE, UnknownHostKeyError
from freehold.project.environments import Environment
from freehold.project.names import LOCAL
from freehold.project.overlay import chosen_environment
from freehold.store.credentials import FileCredentialStore
from freehold.store.environments import HOW_TO_ADD, Environments
from freehold.store.known_hosts import KnownHosts

Result = TypeVar("Result")


def environment_asked_for(context: Context, name: str = "") -> Environment:
    """The environment `name`, else that of `-E` or `FREEHOLD_ENV`, else the one the project is bound to. Raises USAGE
    when none is, NOT_FOUND, CONFIG."""
    chosen = name or chosen_environment(context.project_dir, context.environment)
    if not chosen or chosen == LOCAL:
        known = Environments(context.home).names()
        hint = f"say which: {', '.join(f'-E {each}' for each in known)}" if known else HOW_TO_ADD
        raise FreeholdError(Code.USAGE, "no environment is named, and the project is bound to none", hint)
    return Environments(context.home).read(chosen)


def tunnel_to(context: Context, environment: Environment) -> Tunnel:
    """Logged in to its server, with a first meeting confirmed. Raises what `Tunnel.connect` raises."""
    tunnel = Tunnel(target_of(environment, FileCredentialStore(context.home)), KnownHosts(context.home))
    meet(context, tunnel.connect, context.home)
    return tunnel


def meet(context: Context, connect: Callable[[], Result], home: Path) -> Result:
    """What `connect` returns; each server on the way that was never met is shown to the person, who accepts its key or
    not. Where nobody can be asked, the error says how to accept it."""
    while True:
        try:
            return connect()
        except UnknownHostKeyError as error:
            if context.no_input or not sys.stdin.isatty():
                raise
            note(f"{error.message}\n  {HOW_TO_COMPARE}")
            if not click.confirm(f"Accept the host key of {error.place}?", default=False, err=True):
                raise
            KnownHosts(home).pin(error.place, error.key)
