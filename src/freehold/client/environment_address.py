"""Where an environment's gateway is: on its server, by SSH; or at the URL that its file names."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.client.gateway_address import (
    KEY_FIELD,
    KEY_TYPE,
    RemoteAddress,
    ServerAddress,
    kept_key,
    remote_address,
)
from freehold.client.server_target import target_of
from freehold.client.tunnel import Tunnel
from freehold.project.credential import CredentialRef
from freehold.project.load import name_of
from freehold.project.names import LOCAL
from freehold.server.layout import Layout, server_name
from freehold.store.credentials import FileCredentialStore
from freehold.store.environments import Environments
from freehold.store.known_hosts import KnownHosts


def address_in(home: Path, environment: str, project: Path) -> RemoteAddress | ServerAddress:
    """The gateway of `project` on the environment's server. SSH is not used where the file has a `gateway.url` and a
    key is kept for it, nor where it names no server.

    The project's own `gateway.url` is not looked at: it may be a stranger's project, and the key would go there. Nobody
    is asked yet. Raises NOT_FOUND (no such environment), CONFIG (neither server nor URL, or a URL that a key must not
    be sent to) or CREDENTIAL (no key is kept for it).
    """
    inventory = Environments(home)
    found = inventory.read(environment)
    if found.has_server and not (found.gateway_url and _has_key(home, environment)):
        return replace(server_address(home, environment, server_name(name_of(project))), folder=project)
    if not found.gateway_url:
        raise FreeholdError(
            Code.CONFIG,
            f"environment {environment} has neither a server nor a gateway.url",
            f'write it in {inventory.file(environment)}: [server] host = "HOST"; '
            "or leave out -E, for the project on this machine",
        )
    return remote_address(found.gateway_url, environment, lambda: kept_key(home, environment))


def server_address(home: Path, environment: str, project: str) -> ServerAddress:
    """The gateway behind its socket; `project` is its name on servers. Raises as `address_in`."""
    inventory = Environments(home)
    inventory.require(environment)
    tunnel = _tunnel(home, environment, inventory.file(environment).stat().st_mtime_ns)
    return ServerAddress(environment, project, Layout(project).gateway_socket, tunnel)


@functools.lru_cache(maxsize=16)
def _tunnel(home: Path, environment: str, _changed_ns: int) -> Tunnel:
    """One for each server, however often a long process asks, until its file changes."""
    found = Environments(home).read(environment)
    return Tunnel(target_of(found, FileCredentialStore(home)), KnownHosts(home))


def has_address(home: Path, environment: str) -> bool:
    """Whether the environment leads to a gateway. Raises NOT_FOUND, CONFIG."""
    if environment == LOCAL:
        return False
    found = Environments(home).read(environment)
    return bool(found.gateway_url) or found.has_server


def _has_key(home: Path, environment: str) -> bool:
    return FileCredentialStore(home).get(CredentialRef(KEY_TYPE, environment), KEY_FIELD) is not None
