"""Addresses as providers tell them: they end up in files and commands, so what is none is not handed on (pure)."""

from __future__ import annotations

import ipaddress


def address_or_none(text: str) -> str | None:
    """In its one spelling; None for what is no address, and for `0.0.0.0` and `::`, which stand for none yet."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if parsed.is_unspecified else str(parsed)


def first_of_network(text: str) -> str | None:
    """`2001:db8::1` of `2001:db8::/64`; None for what is no network."""
    try:
        return str(ipaddress.ip_network(text, strict=False).network_address + 1)
    except ValueError:
        return None


def network_or_none(text: str) -> str | None:
    """In its one spelling; None for what is no network."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        return None
