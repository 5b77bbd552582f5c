"""Which server is meant, and by which keys (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.base.secret import Secret
from freehold.project.host_key import Pin

DEFAULT_USER = "root"
DEFAULT_PORT = 22
CONNECT_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Target:
    """A server to log in to. `host` may be a name of `~/.ssh/config`; what is empty here is looked for there, and then
    it is root at port 22. `name` is what messages call it; `on_way_to` is that of the server whose jump host it is.

    `pin` alone counts as its host key where it is given; else what is kept for its place. With `key_path` that key
    alone is offered; else `keys`, those of the agent and those of the user.
    """

    host: str
    name: str = ""
    user: str = ""
    port: int = 0
    key_path: str = ""
    keys: tuple[Secret, ...] = ()
    pin: Pin | None = None
    on_way_to: str = ""
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    """For reaching it and logging in; each jump host on the way has as much."""

    @property
    def called(self) -> str:
        return self.name or self.host


def place_of(host: str, port: int) -> str:
    """A server as files of known hosts name it: `host`, and `[host]:port` where that is not 22 (sshd(8))."""
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"


def parse_hop(text: str) -> Target:
    """`[user@]host[:port]`, as ProxyJump has it. Raises `ValueError`."""
    user, _, rest = text.strip().rpartition("@")
    host, colon, port = rest.rpartition(":")
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        colon, port = port[:1], port[1:]
    elif not colon or ":" in host:  # no port, or an IPv6 address without brackets
        host, port = rest, ""
    if not host or (port and not port.isdigit()):
        raise ValueError(f'"{text}" is no [user@]host[:port]')
    return Target(host=host, user=user, port=int(port or 0))
