"""From where a server's address can be reached. Pure."""

from __future__ import annotations

import ipaddress

_OWN_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # RFC 1918
        "100.64.0.0/10",  # RFC 6598, of providers and of private networks over the internet
        "169.254.0.0/16", "fe80::/10", "fc00::/7",  # RFC 3927, 4291, 4193
    )
)  # fmt: skip


def why_not_from_outside(host: str) -> str:
    """Why nobody elsewhere reaches `host`, as the end of a sentence; empty for a public address, and for a name, which
    is not looked up."""
    if host.lower().rstrip(".") == "localhost":
        return "which is this machine itself"
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        return "which is this machine itself"
    if any(address in network for network in _OWN_NETWORKS):
        return "a private address"
    return ""
