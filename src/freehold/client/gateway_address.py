"""Where a project's gateway is: behind a socket on this machine, or at a URL, with a key."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.project.home import environment_file, environment_names
from freehold.project.problems import Problems, unknown
from freehold.project.state import state_directory
from freehold.project.toml import read_toml
from freehold.store.credentials import FileCredentialStore
from freehold.wire.service import GATEWAY_SOCKET

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


GatewayAddress = LocalAddress | RemoteAddress


def gateway_address(project: Path, home: Path, environment: str = "") -> GatewayAddress:
    """The gateway of `project` here; with `environment`, the one at the `gateway.url` of its file.

    The project's own `gateway.url` is not looked at: it may be a stranger's project, and the key would go there. Raises
    NOT_FOUND (no such environment), CONFIG (no URL, or one that a key must not be sent to) or CREDENTIAL (no key is
    kept for it).
    """
    if not environment:
        return LocalAddress(project)
    url = _url_of(home, environment)
    if not url:
        raise FreeholdError(
            Code.CONFIG,
            f"environment {environment} has no gateway.url",
            f'write it in {environment_file(home, environment)}: [gateway] url = "https://HOST"; '
            "or leave out -E, for the project on this machine",
        )
    return remote_address(url, environment, lambda: kept_key(home, environment))


def require_environment(home: Path, environment: str) -> None:
    """Raises NOT_FOUND, with the environments that there are."""
    known = environment_names(home)
    if environment not in known:
        raise FreeholdError(
            Code.NOT_FOUND, unknown("environment", environment, known), f"their files are in {home / 'environments'}"
        )


def has_address(home: Path, environment: str) -> bool:
    """Whether the environment names a gateway. Raises NOT_FOUND, CONFIG."""
    return bool(_url_of(home, environment))


def _url_of(home: Path, environment: str) -> str:
    require_environment(home, environment)
    path, problems = environment_file(home, environment), Problems()
    gateway = read_toml(path, str(path), problems).get("gateway", {})
    problems.raise_errors()
    url = gateway.get("url", "") if isinstance(gateway, dict) else ""
    return url if isinstance(url, str) else ""


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
