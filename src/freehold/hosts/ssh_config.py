"""What the user's `~/.ssh/config` says of a host: read as OpenSSH reads it, by asyncssh."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.asyncssh_loading import load_asyncssh
from freehold.hosts.target import DEFAULT_PORT, DEFAULT_USER, Target


@dataclass(frozen=True)
class Route:
    """Where a target is, and how it is reached. `place` is what its host key is kept under; `identity_files` are the
    keys that the file names, in its order."""

    host: str
    user: str
    port: int
    place_host: str
    jumps: tuple[str, ...]
    proxied: bool
    identity_files: tuple[str, ...]
    identities_only: bool
    agent: str


def config_file() -> Path | None:
    """The user's own file, where there is one that can be read."""
    path = Path("~/.ssh/config").expanduser()
    return path if os.access(path, os.R_OK) else None


def route_to(target: Target) -> Route:
    """Raises CONFIG with file and line for what cannot be read."""
    load_asyncssh()
    from asyncssh.config import ConfigParseError, SSHClientConfig

    path = config_file()
    try:
        config = SSHClientConfig.load(
            None, [path] if path else [], False, False, False, getpass.getuser(),
            target.user or (), target.host, target.port or (),
        )  # fmt: skip
    except (ConfigParseError, UnicodeDecodeError) as error:
        raise FreeholdError(Code.CONFIG, str(error), f"{path} is yours; `ssh -G {target.host}` reads it too") from None

    def text(option: str) -> str:
        value = config.get(option)
        return value if isinstance(value, str) else ""

    host = text("Hostname") or target.host
    port = config.get("Port")
    jumps = text("ProxyJump")
    files = config.get("IdentityFile")
    agent = text("IdentityAgent") or os.environ.get("SSH_AUTH_SOCK", "")
    return Route(
        host=host,
        user=target.user or text("User") or DEFAULT_USER,
        port=port if isinstance(port, int) else DEFAULT_PORT,
        place_host=text("HostKeyAlias") or host,
        jumps=tuple(jumps.split(",")) if jumps else (),
        proxied=bool(text("ProxyCommand")),
        identity_files=tuple(files) if isinstance(files, list) else (),
        identities_only=config.get("IdentitiesOnly") is True,
        agent=str(Path(agent).expanduser()) if agent else "",
    )
