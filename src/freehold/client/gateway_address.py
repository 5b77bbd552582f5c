"""Where a project's gateway is: behind a socket of this machine or of a server, or at a URL, with a key."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.project.names import LOCAL
from freehold.project.state import state_directory
from freehold.store.credentials import FileCredentialStore
from freehold.wire.service import GATEWAY_SOCKET

if TYPE_CHECKING:
    from freehold.client.tunnel import Tunnel

KEY_TYPE = "gateway_api_key"
KEY_FIELD = "key"


@dataclass(frozen=True)
class LocalAddress:
    """The gateway of a project on this machine. Its socket is 0600: who may connect needs no key."""

    project: Path

    @property
    def socket(self) -> Path:
        return state_directory(self.project) / GATEWAY_SOCKET

    def __str__(self) -> str:
        return str(self.project)


@dataclass(frozen=True)
class RemoteAddress:
    """A gateway at a URL. `path` is what stands before `/api/v1`, mostly nothing."""

    environment: str
    host: str
    port: int
    key: Secret
    encrypted: bool = True
    path: str = ""

    def __str__(self) -> str:
        return f"{'https' if self.encrypted else 'http'}://{_in_url(self.host)}:{self.port}{self.path}"


@dataclass(frozen=True)
class ServerAddress:
    """The gateway of a project on an environment's server, behind a unix socket there. Who may log in needs no key.
    `folder` is the one here that gave the project its name, where one did."""

    environment: str
    project: str
    socket: str
    tunnel: Tunnel
    folder: Path | None = None

    def __str__(self) -> str:
        return f"{self.project} on {self.environment}"


def not_running(address: ServerAddress) -> FreeholdError:
    """Said when nobody listens there."""
    from freehold.project.load import require_project

    name = address.environment
    message, status = (
        f"{address.project} is not running on {name}",
        f"`freehold env status {name}` says what runs there",
    )
    try:
        if address.folder is not None:
            require_project(address.folder)
    except FreeholdError as error:
        return FreeholdError(Code.UNREACHABLE, message, f"{error.message}\n{error.hint}\n{status}")
    return FreeholdError(
        Code.UNREACHABLE, message, f"Push it there, from its folder: freehold push -E {name}; {status}"
    )


GatewayAddress = LocalAddress | RemoteAddress | ServerAddress


def gateway_address(project: Path, home: Path, environment: str = "") -> GatewayAddress:
    """The gateway of `project` here; with `environment`, the one that its file leads to
    (`client/environment_address.py`, which says what is raised)."""
    if not environment or environment == LOCAL:
        return LocalAddress(project)
    # Who asks the project of this machine is answered in a blink, and needs none of it.
    from freehold.client.environment_address import address_in

    return address_in(home, environment, project)


def kept_key(home: Path, environment: str) -> Secret:
    """The key for an environment's gateway, and no other one: this machine's own opens this machine's projects.

    Raises CREDENTIAL when there is none.
    """
    key = FileCredentialStore(home).get(CredentialRef(KEY_TYPE, environment), KEY_FIELD)
    if key is None:
        raise FreeholdError(
            Code.CREDENTIAL,
            f"no key is kept for the gateway of {environment}",
            f"make one where it runs (freehold keys add NAME), and keep it here: freehold keys keep -E {environment}",
        )
    return usable_key(key)


def usable_key(key: Secret) -> Secret:
    """`key` without white space around it. Raises CREDENTIAL when it cannot be one: it would not fit into a header."""
    text = key.reveal().strip()
    if not text or not text.isascii() or not text.isprintable():
        raise FreeholdError(Code.CREDENTIAL, "the gateway's key is none", "keep it again: freehold keys keep -E NAME")
    return Secret(text)


def remote_address(url: str, environment: str, key: Callable[[], Secret]) -> RemoteAddress:
    """The address in `url`. A key goes only where nobody else reads it: encrypted, or not out of this machine.

    Raises CONFIG for a URL that is none, holds a password, or would carry the key in clear. `key` is asked last.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        host.encode("idna")
    except ValueError as error:
        raise _wrong(environment, f"is not a URL: {error}", "write https://HOST") from None
    if parts.scheme not in ("https", "http") or not host:
        raise _wrong(environment, "is not a URL of http or https", "write https://HOST")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise _wrong(environment, "holds more than scheme, host, port and path", "a key is kept by: freehold keys keep")
    encrypted = parts.scheme == "https"
    if not encrypted and not _is_this_machine(host):
        raise _wrong(
            environment, f"is not encrypted, and the key would be read on the way to {host}", f"use https://{host}"
        )
    return RemoteAddress(
        environment, host, port or (443 if encrypted else 80), key(), encrypted, parts.path.rstrip("/")
    )  # fmt: skip


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _wrong(environment: str, what: str, hint: str) -> FreeholdError:
    return FreeholdError(Code.CONFIG, f"environment {environment}: gateway.url {what}", hint)
