"""Where the gateway listens: a port of its own, or sockets that systemd opened for it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError

BACKLOG = 2048
LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104  only with --expose
UNREAD_MS = 60_000
"""How long nothing of an answer may be taken before the kernel ends the connection (tcp(7), TCP_USER_TIMEOUT)."""
_FIRST_INHERITED = 3
"""sd_listen_fds(3)."""


@dataclass(frozen=True)
class Address:
    """Where it listens; port 0 for an inherited socket that has none."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """As programs of this machine reach it; empty where that is by a socket's path."""
        if not self.port:
            return ""
        host = LOOPBACK if self.host in (EVERYWHERE, "::") else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CONFLICT when the port is somebody else's, CONFIG when it cannot be had at all."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _set_up(listener)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _cannot(host, port, error) from None
    listener.setblocking(False)
    return listener


def inherited(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """What systemd opened for this process; taken out of `environ`, so that nothing started from here takes it too."""
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    found = [socket.socket(fileno=number) for number in range(_FIRST_INHERITED, _FIRST_INHERITED + int(count))]
    for listener in found:
        listener.setblocking(False)
        _set_up(listener)
        os.set_inheritable(listener.fileno(), False)
    return found


def address_of(listener: socket.socket) -> Address:
    name = listener.getsockname()
    return Address(str(name[0]), int(name[1])) if isinstance(name, tuple) else Address(str(name), 0)


def _set_up(listener: socket.socket) -> None:
    """Its connections inherit it: an end to what is not read, and that a piece is sent without waiting for the one
    before to be acknowledged, which takes 40 ms (an answer is two pieces)."""
    if listener.family != socket.AF_UNIX:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)


def _cannot(host: str, port: int, error: OSError | OverflowError) -> FreeholdError:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return FreeholdError(
            Code.CONFLICT,
            f"port {port} of {host} is in use by another program",
            "Choose another one: gateway.port in config.toml, or --port.",
        )
    if number == errno.EACCES:
        hint = "Ports below 1024 are root's: set gateway.port in config.toml, or --port, to a higher one."
        return FreeholdError(Code.CONFIG, f"port {port} may not be used by this user", hint)
    why = error.strerror if isinstance(error, OSError) else str(error)
    return FreeholdError(
        Code.CONFIG, f"{host}, port {port}: {why}", "gateway.port in config.toml, or --port and --host."
    )
