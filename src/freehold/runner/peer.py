"""Whose process is at the other end of a loopback connection."""

from __future__ import annotations

import socket
from pathlib import Path

_TABLE = Path("/proc/net/tcp")


def uid_of_peer(peer: tuple[str, int], own: tuple[str, int], table: Path = _TABLE) -> int | None:
    """The user id of the process that connected from `peer` to `own`, both IPv4; None when the kernel shows none.

    Lines of `/proc/net/tcp`: number, local address, remote address, state, queues, timer, retransmits, uid, …
    """
    wanted = [_as_shown(peer), _as_shown(own)]
    for line in table.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == wanted:
            return int(fields[7])
    return None


def _as_shown(address: tuple[str, int]) -> str:
    """`0100007F:1E15` for 127.0.0.1:7701: the address in this machine's byte order, the port not."""
    host, port = address
    number = int.from_bytes(socket.inet_aton(host), "little")
    return f"{number:08X}:{port:04X}"
