"""Vultr's words in ours (pure)."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from freehold.providers import vultr_answers as told
from freehold.providers.address import address_or_none
from freehold.providers.api_call import Said
from freehold.providers.firewall import FirewallRule, Protocol
from freehold.providers.machine import Machine, MachineState, ServerSpec
from freehold.providers.offer import Architecture, Catalogue, Image, Plan, Price, Region

_VERSION = re.compile(r"\b(\d+(?:\.\d+)*)\b")
_X86 = "x64"
Wire = tuple[str, str, str, str, str]
"""A rule as Vultr keeps it: kind of address, protocol, subnet with size, port, notes."""


def said(_status: int, body: Any) -> Said:
    """Of `{"error": "text", "status": 400}`: it has no codes."""
    error = body.get("error") if isinstance(body, dict) else None
    return Said(error) if isinstance(error, str) else Said()


def catalogue(
    plans: Iterable[told.PlanFound], regions: Iterable[told.RegionFound], systems: Iterable[told.OperatingSystem]
) -> Catalogue:
    """What is sold now; a plan that is sold out everywhere has no locations, and is left out."""
    sold = [_plan(one) for one in plans if one.locations]
    places = (
        Region(one.id, one.city, one.country, frozenset(plan.name for plan in sold if one.id in plan.prices))
        for one in regions
    )
    return Catalogue(tuple(sold), tuple(places), tuple(_image(one) for one in systems if one.arch == _X86))


def _plan(one: told.PlanFound) -> Plan:
    everywhere = told.Cost(one.monthly_cost, one.hourly_cost)
    prices = {place: _price(one.location_cost.get(place, everywhere)) for place in one.locations}
    return Plan(one.id, one.vcpu_count, one.ram, one.disk, Architecture.X86, prices, one.type)


def _price(cost: told.Cost) -> Price:
    return Price(cost.monthly_cost, cost.hourly_cost, "USD")


def _image(one: told.OperatingSystem) -> Image:
    """`Debian 12 x64 (bookworm)`, family `debian`: the version is in the name only."""
    version = _VERSION.search(one.name)
    return Image(str(one.id), one.name, one.family, version[1] if version else "", Architecture.X86)


def machine(one: told.Instance) -> Machine:
    """Runs once it is paid for and set up (`active`), powered on, and its system has been installed and booted."""
    v4, v6 = address_or_none(one.main_ip), address_or_none(one.v6_main_ip)
    return Machine(one.id, one.label, _state(one), one.plan, one.region, v4, v6)


def _state(one: told.Instance) -> MachineState:
    if one.status == "pending" or (
        one.status == "active" and one.server_status in ("none", "locked", "installingbooting")
    ):
        return MachineState.STARTING
    if one.status != "active":
        return MachineState.UNKNOWN
    if one.power_status == "stopped":
        return MachineState.OFF
    return MachineState.RUNNING if one.power_status == "running" else MachineState.UNKNOWN


def instance_body(spec: ServerSpec, installation_tag: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "region": spec.region,
        "plan": spec.plan,
        "os_id": int(spec.image),
        "label": spec.name,
        "hostname": spec.name,
        "tags": [installation_tag, spec.owner.mark],
        "sshkey_id": list(spec.keys),
        "firewall_group_id": spec.firewall,
        "user_data": base64.b64encode(spec.user_data.encode()).decode("ascii"),
        "enable_ipv6": True,
        "activation_email": False,
        "user_scheme": "root",
    }
    return body if spec.ipv4 else {**body, "disable_public_ipv4": True}


def wires(rule: FirewallRule) -> set[Wire]:
    """One of ours is several of theirs: one for each network."""
    port = "" if rule.port is None else str(rule.port)
    networks = (ipaddress.ip_network(source) for source in rule.sources)
    return {(f"v{network.version}", str(rule.protocol), str(network), port, rule.description) for network in networks}


def wire(rule: told.Rule) -> Wire:
    """`source` names other sources than addresses: never one of ours."""
    subnet = f"{rule.subnet}/{rule.subnet_size}" if not rule.source else rule.source
    port = "" if rule.protocol.lower() == Protocol.ICMP else rule.port
    return (rule.ip_type, rule.protocol.lower(), subnet, port, rule.notes)


def rule_body(one: Wire) -> dict[str, Any]:
    kind, protocol, network, port, notes = one
    subnet, _, size = network.partition("/")
    body: dict[str, Any] = {
        "ip_type": kind,
        "protocol": protocol,
        "subnet": subnet,
        "subnet_size": int(size),
        "notes": notes,
    }
    return {**body, "port": port} if port else body
