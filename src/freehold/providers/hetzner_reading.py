"""Hetzner Cloud's words in ours (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from freehold.base.clock import rfc3339
from freehold.providers import hetzner_answers as told
from freehold.providers.address import address_or_none, first_of_network
from freehold.providers.api_call import Said
from freehold.providers.api_error import Refusal
from freehold.providers.firewall import Firewall, FirewallRule, Protocol
from freehold.providers.machine import Machine, MachineState
from freehold.providers.offer import Architecture, Catalogue, Image, Plan, Price, Region

_DIGITS = re.compile(r"[0-9]{1,5}")
_STATES = {
    "running": MachineState.RUNNING,
    "initializing": MachineState.STARTING,
    "starting": MachineState.STARTING,
    "rebuilding": MachineState.STARTING,
    "migrating": MachineState.STARTING,
    "stopping": MachineState.OFF,
    "off": MachineState.OFF,
    "deleting": MachineState.GOING,
}
_REFUSALS = {
    "unauthorized": Refusal.BAD_TOKEN,
    "token_readonly": Refusal.NO_RIGHT,
    "forbidden": Refusal.NO_RIGHT,
    "resource_limit_exceeded": Refusal.NO_QUOTA,
    "resource_unavailable": Refusal.NOT_SOLD,
    "placement_error": Refusal.NOT_SOLD,
    "uniqueness_error": Refusal.TAKEN,
    "conflict": Refusal.IN_USE,
    "locked": Refusal.IN_USE,
    "resource_in_use": Refusal.IN_USE,
    "protected": Refusal.NO_RIGHT,
}
"""Error codes (docs.hetzner.cloud, "Errors"; `resource_in_use` and `placement_error` are of single resources)."""


def said(_status: int, body: Any) -> Said:
    """Of `{"error": {"code", "message"}}`."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return Said()
    code, message = error.get("code"), error.get("message")
    return Said(str(message or code or ""), _REFUSALS.get(code) if isinstance(code, str) else None)


def catalogue(
    types: Iterable[told.ServerType],
    locations: Iterable[told.Location],
    images: Iterable[told.SystemImage],
    pricing: told.Pricing,
    now: datetime,
) -> Catalogue:
    """What is sold on the day: retired types and images, and locations that have run out of a type, are left out."""
    extra = _ipv4_prices(pricing)
    plans = [plan for one in types if (plan := _plan(one, pricing.currency, extra, now))]
    regions = (
        Region(one.name, one.city, one.country, frozenset(plan.name for plan in plans if one.name in plan.prices))
        for one in locations
    )
    return Catalogue(tuple(plans), tuple(regions), tuple(image for one in images if (image := _image(one))))


def _ipv4_prices(pricing: told.Pricing) -> dict[str, told.LocationPrice]:
    """An IPv4 address is billed beside the server, by location."""
    return {price.location: price for ip in pricing.primary_ips if ip.type == "ipv4" for price in ip.prices}


def _plan(one: told.ServerType, currency: str, extra: dict[str, told.LocationPrice], now: datetime) -> Plan | None:
    architecture = _architecture(one.architecture)
    sold = {place.name for place in one.locations if place.available and not _is_past(place.deprecation, now)}
    prices = {
        price.location: _price(price, extra.get(price.location), currency)
        for price in one.prices
        if price.location in sold
    }
    if architecture is None or not prices:
        return None
    return Plan(one.name, one.cores, round(one.memory * 1024), round(one.disk), architecture, prices, one.description)


def _price(server: told.LocationPrice, ipv4: told.LocationPrice | None, currency: str) -> Price:
    month, hour = server.price_monthly.gross, server.price_hourly.gross
    if ipv4:
        month, hour = month + ipv4.price_monthly.gross, hour + ipv4.price_hourly.gross
    return Price(month, hour, currency, includes_tax=True)


def _is_past(deprecation: told.Deprecation | None, now: datetime) -> bool:
    # RFC 3339 in UTC sorts as text.
    return deprecation is not None and deprecation.unavailable_after[:19] <= rfc3339(now)[:19]


def _architecture(word: str) -> Architecture | None:
    return Architecture(word) if word in set(Architecture) else None


def _image(one: told.SystemImage) -> Image | None:
    architecture = _architecture(one.architecture)
    if architecture is None or one.status != "available" or one.deprecated:
        return None
    return Image(str(one.id), one.name or one.description, one.os_flavor, one.os_version or "", architecture)


def firewall(one: told.FirewallFound) -> Firewall:
    """A rule of a kind that is never ours stands in it too, so that it differs from what is wanted."""
    return Firewall(str(one.id), one.name, frozenset(_rule(rule) for rule in one.rules))


def _rule(rule: told.Rule) -> FirewallRule:
    sources = frozenset(rule.source_ips)
    if rule.direction == "in" and rule.protocol == "icmp":
        return FirewallRule(Protocol.ICMP, None, rule.description or "", sources)
    if rule.direction == "in" and rule.protocol == "tcp" and (port := _port(rule.port or "")):
        return FirewallRule(Protocol.TCP, port, rule.description or "", sources)
    words = f"{rule.direction} {rule.protocol} {rule.port}"
    return FirewallRule(Protocol.ICMP, None, f"not ours: {words}", sources)


def _port(text: str) -> int | None:
    """None for a range, and for what is no port."""
    port = int(text) if _DIGITS.fullmatch(text) else 0
    return port if 1 <= port <= 65535 else None


def rule_body(rule: FirewallRule) -> dict[str, Any]:
    body = {
        "direction": "in",
        "protocol": str(rule.protocol),
        "source_ips": sorted(rule.sources),
        "description": rule.description,
    }
    return body if rule.port is None else {**body, "port": str(rule.port)}


def machine(server: told.Server) -> Machine:
    net = server.public_net
    return Machine(
        str(server.id),
        server.name,
        _STATES.get(server.status, MachineState.UNKNOWN),
        server.server_type.name,
        server.location.name,
        address_or_none(net.ipv4.ip) if net.ipv4 else None,
        # Its images set up the first address of the network that the server gets.
        first_of_network(net.ipv6.ip) if net.ipv6 else None,
    )
