"""The first process of an open run's network: it makes addresses unreachable, then holds the network with no rights.

This file is run inside a helper container (`python3 -I -S -c`), so it imports nothing of ours. It talks to the kernel
by rtnetlink, because the image has no `ip`.
"""

from __future__ import annotations

import ctypes
import ipaddress
import signal
import socket
import struct
import sys

UNREACHABLE = (
    "169.254.0.0/16",  # link-local: metadata of AWS, Google, Azure, Hetzner, DigitalOcean, OpenStack, Vultr, …
    "100.100.100.200/32",  # Alibaba Cloud
    "192.0.0.192/32",  # Oracle Cloud
    "168.63.129.16/32",  # Azure's host service
    "fd00:ec2::254/128",  # AWS over IPv6
    "fd20:ce::254/128",  # Google over IPv6
    "fe80::a9fe:a9fe/128",  # OpenStack over IPv6
)
"""Where clouds tell whoever asks what the machine may do, its keys included (each provider's own documentation)."""

READY = "network is ready"

RTM_NEWROUTE = 24
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE = 0x01, 0x04, 0x400, 0x100
RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNREACHABLE = 254, 4, 0, 7
RTA_DST, RTA_PRIORITY = 1, 6
NLMSG_ERROR = 2
CAPABILITY_VERSION_3 = 0x20080522


def unreachable_route(network: str, sequence: int) -> bytes:
    """An rtnetlink message that says: there is no way to `network` (rtnetlink(7))."""
    parsed = ipaddress.ip_network(network)
    family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
    address = parsed.network_address.packed
    head = struct.pack("=BBBBBBBBI", family, parsed.prefixlen, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE,
                       RTN_UNREACHABLE, 0)  # fmt: skip
    attributes = struct.pack("=HH", 4 + len(address), RTA_DST) + address + struct.pack("=HHI", 8, RTA_PRIORITY, 1)
    body = head + attributes
    flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE
    return struct.pack("=IHHII", 16 + len(body), RTM_NEWROUTE, flags, sequence, 0) + body


def answer_of(reply: bytes) -> int:
    """0 when the kernel took the message, else an errno."""
    kind = struct.unpack_from("=IHHII", reply)[1]
    return -struct.unpack_from("=i", reply, 16)[0] if kind == NLMSG_ERROR else 0


def make_unreachable(networks: tuple[str, ...]) -> None:
    """Raises `OSError` when the kernel refuses a route; a network of a family that is switched off is passed over."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        for sequence, network in enumerate(networks, start=1):
            netlink.send(unreachable_route(network, sequence))
            error = answer_of(netlink.recv(8192))
            if error and not (":" in network and ipv6_is_off()):
                raise OSError(error, f"no route was made for {network}")


def ipv6_is_off() -> bool:
    """Docker switches IPv6 off in a network that has none: then nothing is reachable over it anyway."""
    try:
        with open("/proc/sys/net/ipv6/conf/all/disable_ipv6") as setting:  # noqa: PTH123  pathlib takes 10 ms to import
            return setting.read().strip() == "1"
    except FileNotFoundError:
        return True


def drop_all_rights() -> None:
    """Give up every capability for good (capset(2)); from here on this process can only wait."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    if libc.capset(header, bytes(24)) != 0:
        raise OSError(ctypes.get_errno(), "capabilities were not dropped")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    make_unreachable(UNREACHABLE)
    drop_all_rights()
    print(READY, flush=True)  # noqa: T201  the keeper reads it from the container's log
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
