"""Parts of a push on a real server, one at a time: what they find there, what they plan, and that they do it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.client.server_target import target_of
from freehold.deploy.facts import gather
from freehold.deploy.managed_files import LogIn
from freehold.deploy.part import Change, Part
from freehold.hosts.host import Command, Host
from freehold.hosts.ssh_host import SshHost, open_ssh_host
from freehold.hosts.target import Target
from freehold.store.credentials import FileCredentialStore
from freehold.store.environments import Environments
from freehold.store.known_hosts import KnownHosts
from tests.support.sandbox import SandboxServer

AGAIN_FOR_S = 20.0


def target_in(home: Path, environment: str = "box", user: str = "", port: int = 0) -> Target:
    target = target_of(Environments(home).read(environment), FileCredentialStore(home))
    return replace(target, user=user or target.user, port=port or target.port)


def log_in_to(sandbox: SandboxServer, user: str = "", port: int = 0, connect_timeout_s: float = 20) -> LogIn:
    """Further logins as those that a push makes."""
    target = replace(target_in(sandbox.home, user=user, port=port), connect_timeout_s=connect_timeout_s)

    async def log_in() -> Host:
        return await open_ssh_host(target, KnownHosts(sandbox.home))

    return log_in


async def logged_in(sandbox: SandboxServer, user: str = "", port: int = 0) -> SshHost:
    return await open_ssh_host(target_in(sandbox.home, user=user, port=port), KnownHosts(sandbox.home))


@contextlib.asynccontextmanager
async def on(sandbox: SandboxServer, user: str = "", port: int = 0) -> AsyncIterator[SshHost]:
    """A login, and again while the server takes none: sshd is away for a moment when it reads its files anew."""
    deadline = asyncio.get_running_loop().time() + AGAIN_FOR_S
    while True:
        try:
            host = await logged_in(sandbox, user, port)
            break
        except FreeholdError as error:
            if error.code is not Code.UNREACHABLE or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.2)
    try:
        yield host
    finally:
        await host.close()


async def planned(host: Host, part: Part) -> Sequence[Change]:
    return part.plan((await gather(host, [part]))[part.name])


async def settled(host: Host, part: Part) -> list[str]:
    """Carry out what the part plans, and prove that there is nothing left to do. What was done, in its words."""
    changes = await planned(host, part)
    if changes:
        await part.carry_out(host, changes)
    assert [change.what for change in await planned(host, part)] == []
    return [change.what for change in changes]


async def says(host: Host, line: str) -> str:
    """What a line for root's shell there says; it must succeed."""
    outcome = await host.run(Command(("sh", "-c", line), as_root=True, timeout_s=120))
    assert outcome.status == 0, f"{line}: {outcome}"
    return outcome.text


def raw(facts: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(facts))
