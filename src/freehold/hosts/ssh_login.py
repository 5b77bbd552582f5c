"""Logging in to a server over SSH: its route, its host key, our keys, and what each failure means."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration
from freehold.hosts.failures import ChangedHostKeyError, UnknownHostKeyError
from freehold.hosts.host_key_check import HostKeyCheck, algorithms_for, client_factory
from freehold.hosts.ssh_config import Route, config_file, route_to
from freehold.hosts.ssh_keys import Offer, offered_keys
from freehold.hosts.target import Target, parse_hop
from freehold.project.host_key import HostKey
from freehold.store.known_hosts import KnownHosts

if TYPE_CHECKING:
    import asyncssh

KEEPALIVE_S, KEEPALIVE_COUNT = 15, 3
"""A peer that says nothing to three questions, fifteen seconds apart, is gone."""
_MOST_JUMPS = 8


class Login(NamedTuple):
    """A connection, the jump hosts' that it goes through (the nearest to us first), and as whom it is."""

    connection: asyncssh.SSHClientConnection
    through: tuple[asyncssh.SSHClientConnection, ...]
    user: str
    host_key: HostKey


async def log_in(target: Target, known: KnownHosts) -> Login:
    """Raises UNREACHABLE, CREDENTIAL (our keys are refused, or of no use), CONFIG (`~/.ssh/config`), DENIED (another
    host key than before) and `UnknownHostKeyError`. Nothing stays open then."""
    opened: list[asyncssh.SSHClientConnection] = []
    try:
        connection = await _open(target, known, opened, 0)
    except BaseException:
        for each in reversed(opened):
            each.abort()
        raise
    key = connection.get_server_host_key()
    assert key is not None
    shown = HostKey(key.get_algorithm(), key.public_data)
    return Login(connection, tuple(opened[:-1]), route_to(target).user, shown)


async def _open(
    target: Target, known: KnownHosts, opened: list[asyncssh.SSHClientConnection], depth: int
) -> asyncssh.SSHClientConnection:
    if depth > _MOST_JUMPS:
        raise FreeholdError(Code.CONFIG, f"{target.called}: its jump hosts go round", "look at ~/.ssh/config")
    route = route_to(target)
    tunnel: asyncssh.SSHClientConnection | None = None
    for hop in route.jumps:
        tunnel = await _through(tunnel, _hop(hop, target), known, opened, depth)
    return await _connect(target, route, known, opened, tunnel)


async def _through(
    tunnel: asyncssh.SSHClientConnection | None,
    hop: Target,
    known: KnownHosts,
    opened: list[asyncssh.SSHClientConnection],
    depth: int,
) -> asyncssh.SSHClientConnection:
    """The first hop may have jump hosts of its own; further ones are reached from the one before (ssh_config(5))."""
    if tunnel is None:
        return await _open(hop, known, opened, depth + 1)
    return await _connect(hop, route_to(hop), known, opened, tunnel)


def _hop(text: str, target: Target) -> Target:
    try:
        return replace(parse_hop(text), on_way_to=target.on_way_to or target.called)
    except ValueError as error:
        raise FreeholdError(Code.CONFIG, f"{target.called}: ProxyJump: {error}", "look at ~/.ssh/config") from None


async def _connect(
    target: Target,
    route: Route,
    known: KnownHosts,
    opened: list[asyncssh.SSHClientConnection],
    tunnel: asyncssh.SSHClientConnection | None,
) -> asyncssh.SSHClientConnection:
    check = HostKeyCheck.of(target, route.place_host, route.port, known)
    async with offered_keys(target, route) as offer:
        try:
            async with asyncio.timeout(target.connect_timeout_s):
                connection = await _handshake(target, route, check, offer, tunnel)
        except (OSError, TimeoutError, _asyncssh().Error) as error:
            raise _explained(error, target, route, check, offer) from error
    opened.append(connection)
    return connection


async def _handshake(
    target: Target, route: Route, check: HostKeyCheck, offer: Offer, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    """One connection. What `~/.ssh/config` says of algorithms and proxies holds; what it would do to sessions
    (commands, forwarded agents, variables) does not: these are no sessions of a person."""
    config = config_file()
    # `tunnel` None, and not left out: else asyncssh opens the jump hosts itself, with host keys that we did not see.
    connection: asyncssh.SSHClientConnection = await _asyncssh().connect(
        target.host, route.port, username=route.user, config=[config] if config else None, tunnel=tunnel,
        client_factory=client_factory(check), known_hosts=([], [], []),
        server_host_key_algs=algorithms_for(check.pins),
        client_keys=offer.keys, agent_path=None, preferred_auth="publickey", gss_auth=False, gss_kex=False,
        agent_forwarding=False, x11_forwarding=False, command=None, env=None, send_env=None, request_pty=False,
        keepalive_interval=KEEPALIVE_S, keepalive_count_max=KEEPALIVE_COUNT, connect_timeout=None,
        canonicalize_hostname=False, encoding=None,
    )  # fmt: skip
    return connection


def _explained(error: Exception, target: Target, route: Route, check: HostKeyCheck, offer: Offer) -> FreeholdError:
    asyncssh = _asyncssh()
    name, where = target.called, f"{route.host} port {route.port}"
    if check.shown is not None and not check.is_right:
        if not check.pins:
            return UnknownHostKeyError(name, check.place, check.shown, target.on_way_to)
        return ChangedHostKeyError(name, check.place, check.shown, check.pins[0], check.kept_in, target.on_way_to)
    if isinstance(error, asyncssh.PermissionDenied) or (check.is_right and isinstance(error, asyncssh.DisconnectError)):
        return _refused(name, route, offer, said=isinstance(error, asyncssh.PermissionDenied))
    if isinstance(error, TimeoutError):
        return _unreachable(name, f"{where} does not answer within {duration(target.connect_timeout_s)}", _SLOW)
    if isinstance(error, socket.gaierror):
        return _unreachable(name, f"there is no address for {route.host}", "Is its name right? server.host names it.")
    if isinstance(error, OSError):
        return _unreachable(name, f"{where}: {error.strerror or type(error).__name__}", _GONE)
    if isinstance(error, asyncssh.ChannelOpenError):
        return _unreachable(name, f"the jump host cannot reach {where}", "Is it running? Look at ~/.ssh/config.")
    return _unreachable(name, f"{where} does not speak SSH with us: {type(error).__name__}", _STRANGE)


_SLOW = "Is the server running, and does a firewall let you in? A server that was just made needs a minute."
_GONE = (
    "Is the server running, and is this its SSH port? server.host and server.port say where it is looked for. After "
    "several refused keys fail2ban keeps an address out for an hour."
)
_STRANGE = "Is it really an SSH server? `ssh -v` says more."


def _unreachable(name: str, what: str, hint: str) -> FreeholdError:
    return FreeholdError(Code.UNREACHABLE, f"{name} cannot be reached: {what}", hint)


def _refused(name: str, route: Route, offer: Offer, *, said: bool) -> FreeholdError:
    offered = len(offer.keys)
    keys = f"none of the {offered} keys offered" if offered > 1 else "the key offered" if offered else "no key"
    what = f"{route.user}@{route.host} accepts {keys}"
    if offered == 1:
        what = f"{route.user}@{route.host} does not accept the key offered"
    if not said and offered > 5:
        what += ", and hung up after some"
    hint = "Name the right key: server.keyPath of the environment, or IdentityFile in ~/.ssh/config."
    if offer.locked:
        hint += f"\nNot offered, because of a passphrase: {', '.join(offer.locked)}. `ssh-add` lets the agent hold it."
    if not offered:
        what = f"there is no key to log in with as {route.user}@{route.host}"
    return FreeholdError(Code.CREDENTIAL, f"{name}: {what}", hint)


def _asyncssh() -> Any:
    """Imported when it is needed: it takes 0.2 s, which whoever has no servers does not wait for."""
    import asyncssh

    return asyncssh
