"""Where the kernel would send a packet: to this very host, or away from it.

The kernel is asked (rtnetlink, `RTM_GETROUTE`) instead of a list of interfaces: its answer covers secondary addresses,
`ip route add local …` and what was added a second ago, and needs no rights.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address, ip_address

_GET_ROUTE = 26
_ERROR = 2
_REQUEST = 1
_DESTINATION = 1
_UNICAST = 1
_HEADER = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=8BI")
_ATTRIBUTE = struct.Struct("=HH")
_ANSWER_TIMEOUT_S = 1.0

_KINDS = {2: "this host's own", 3: "a broadcast address", 4: "an anycast address of this host", 5: "multicast"}
"""Route types of linux/rtnetlink.h other than unicast."""


def why_not_away(address: str) -> str | None:
    """Why a packet to `address` would not leave for one other host; None when it would.

    When the kernel has no route at all it says so only on dialling: that is None too. Fails closed: an answer that is
    not understood is a reason.
    """
    try:
        kind = _route_kind(address.partition("%")[0])
    except OSError as error:
        return f"not to be checked: {error.strerror or error}"
    return None if kind in {0, _UNICAST} else _KINDS.get(kind, "not to be reached")


def _route_kind(address: str) -> int:
    """The route's type; 0 when the kernel knows no route."""
    parsed = ip_address(address)
    family = socket.AF_INET if isinstance(parsed, IPv4Address) else socket.AF_INET6
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(parsed.packed), _DESTINATION) + parsed.packed
    body = _ROUTE.pack(family, parsed.max_prefixlen, 0, 0, 0, 0, 0, 0, 0) + attribute
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.settimeout(_ANSWER_TIMEOUT_S)  # the kernel answers within the call; this is for a kernel that does not
        kernel.send(_HEADER.pack(_HEADER.size + len(body), _GET_ROUTE, _REQUEST, 1, 0) + body)
        answer = kernel.recv(4096)
    kind = _HEADER.unpack_from(answer)[1]
    if kind == _ERROR:
        return 0
    return int(answer[_HEADER.size + 7])
