"""Which addresses are never dialled, whatever name led to them (pure).

The lists are IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates), and the metadata services
of clouds. Documentation ranges (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32, 3fff::/20) are left out
on purpose: nothing of anybody's is ever there, and closed networks use them as if they were public
(`docs/why/egress-checks.md`).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_IPV4 = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.100.100.200/32", "a metadata service"),  # Alibaba Cloud
        ("100.64.0.0/10", "shared by carriers (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a metadata service"),  # Azure: a public address that only the host's platform answers
        ("169.254.169.254/32", "a metadata service"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.192/32", "a metadata service"),  # Oracle Cloud
        ("192.0.0.0/24", "reserved"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_IPV6 = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("100::/64", "discarded"),
        ("2001::/32", "tunnelled (Teredo)"),
        ("2001::/23", "reserved"),
        ("2002::/16", "tunnelled (6to4)"),
        ("2620:4f:8000::/48", "reserved"),
        ("fd00:ec2::254/128", "a metadata service"),  # Amazon EC2
        ("fd20:ce::254/128", "a metadata service"),  # Google Cloud
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")

_EMBEDDING = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "translated from IPv4"),
        ("64:ff9b::/96", "translated from IPv4 (NAT64)"),
        ("::/96", "IPv4-compatible"),
    )
)
"""Prefixes whose last 32 bits are an IPv4 address, which would reach what the table above keeps apart."""


def why_refused(address: str) -> str | None:
    """Why `address` is never dialled, as the end of a sentence (`private`, `loopback` …); None when it may be.

    A scope (`%eth0`) is taken off first. Raises `ValueError` when it is not an address.
    """
    parsed = ip_address(address.partition("%")[0])
    return _why_ipv4(parsed) if isinstance(parsed, IPv4Address) else _why_ipv6(parsed)


def _why_ipv4(address: IPv4Address) -> str | None:
    return next((reason for network, reason in _IPV4 if address in network), None)


def _why_ipv6(address: IPv6Address) -> str | None:
    for network, reason in _IPV6:
        if address in network:
            return reason + _embedded(address)
    for network, reason in _EMBEDDING:
        if address in network:
            # Refused with a public address in it too: the name has an IPv4 address then, and that one is dialled.
            return f"{reason}: {IPv4Address(int(address) & 0xFFFFFFFF)}"
    return None if address in _GLOBAL_IPV6 else "reserved"


def _embedded(address: IPv6Address) -> str:
    inner = address.sixtofour or (address.teredo[1] if address.teredo else None)
    return f": {inner}" if inner else ""
