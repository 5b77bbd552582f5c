"""Accepting a server's host key by naming it: where nobody can be asked, and after a server was made anew."""

from __future__ import annotations

import asyncio

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.client.server_target import target_of
from freehold.hosts.failures import HostKeyError
from freehold.hosts.ssh_host import open_ssh_host
from freehold.project.host_key import Pin
from freehold.store.credentials import FileCredentialStore
from freehold.store.environments import Environments
from freehold.store.known_hosts import KnownHosts


def accept_host_key(context: Context, name: str, text: str) -> None:
    """From now on `text`, a key or its fingerprint, is right for the environment's server; or for the jump host on the
    way to it that shows it, where that was never met. Raises USAGE for what is neither."""
    try:
        pin = Pin.parse(text)
    except ValueError as error:
        raise FreeholdError(Code.USAGE, f"--host-key: {error}") from None
    if not asyncio.run(_is_of_jump_host(context, name, pin)):
        Environments(context.home).change(name, {"server": {"hostKey": str(pin.key or pin.fingerprint)}})


async def _is_of_jump_host(context: Context, name: str, pin: Pin) -> bool:
    """And then it is kept for that place."""
    known = KnownHosts(context.home)
    environment = Environments(context.home).read(name)
    target = target_of(environment, FileCredentialStore(context.home))
    try:
        host = await open_ssh_host(target, known)
        await host.close()
    except HostKeyError as error:
        if error.name != target.called and pin.fits(error.key):
            known.pin(error.place, error.key)
            return True
    except FreeholdError:  # the check that follows says what is wrong
        return False
    return False
