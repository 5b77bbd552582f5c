"""Answers of providers, in words of ours: what is new there, or odd, does no harm."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from freehold.providers import (
    cloudflare_answers,
    cloudflare_reading,
    hetzner_answers,
    hetzner_reading,
    vultr_answers,
    vultr_reading,
)
from freehold.providers.address import address_or_none, first_of_network, network_or_none
from freehold.providers.api_call import Said
from freehold.providers.api_error import Refusal
from freehold.providers.dns import SslMode
from freehold.providers.firewall import rules_for
from freehold.providers.machine import MachineState
from tests.support import hetzner_shop

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def hetzner_shop_read(types: list[dict[str, Any]]) -> Any:
    return hetzner_reading.catalogue(
        msgspec.convert(types, list[hetzner_answers.ServerType], strict=False),
        msgspec.convert(hetzner_shop.locations(), list[hetzner_answers.Location]),
        msgspec.convert(hetzner_shop.images(), list[hetzner_answers.SystemImage]),
        msgspec.convert(hetzner_shop.pricing(), hetzner_answers.Pricing, strict=False),
        NOW,
    )


def test_hetzner_price_is_that_of_the_server_and_its_address_with_tax() -> None:
    price = hetzner_shop_read(hetzner_shop.server_types(set())).require_sold("cx23", "fsn1")
    assert f"{price.month:.4f}" == f"{(3.49 + 0.50) * 1.19:.4f}"
    assert (price.currency, price.includes_tax) == ("EUR", True)


def test_hetzner_types_that_are_retired_or_sold_out_are_not_offered() -> None:
    names = [plan.name for plan in hetzner_shop_read(hetzner_shop.server_types(set())).plans]
    assert hetzner_shop.RETIRED not in names
    assert "cpx52" in names
    left = hetzner_shop_read(hetzner_shop.server_types({("cpx52", "fsn1")}))
    assert "cpx52" not in [plan.name for plan in left.plans]


def test_hetzner_processors_of_the_future_are_left_out() -> None:
    types = [{**one, "architecture": "riscv", "brand_new": 1} for one in hetzner_shop.server_types(set())]
    assert hetzner_shop_read(types).plans == ()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("running", MachineState.RUNNING),
        ("initializing", MachineState.STARTING),
        ("deleting", MachineState.GOING),
        ("off", MachineState.OFF),
        ("levitating", MachineState.UNKNOWN),
    ],
)
def test_hetzner_states(status: str, state: MachineState) -> None:
    named = {"name": "x"}
    net = {"ipv4": None, "ipv6": {"ip": "2001:db8:5::/64"}}
    told = {"id": 1, "name": "n", "status": status, "public_net": net, "server_type": named, "location": named}
    machine = hetzner_reading.machine(msgspec.convert({**told, "labels": {}}, hetzner_answers.Server))
    assert machine.state is state
    assert machine.address == "2001:db8:5::1"


def test_hetzner_rules_of_other_kinds_differ_from_all_of_ours() -> None:
    odd = [
        {"direction": "out", "protocol": "tcp", "port": "22", "source_ips": []},
        {"direction": "in", "protocol": "udp", "port": "53", "source_ips": ["::/0"]},
        {"direction": "in", "protocol": "tcp", "port": "1-65535", "source_ips": ["0.0.0.0/0"]},
    ]
    for rule in odd:
        told = msgspec.convert({"id": 1, "name": "n", "rules": [rule]}, hetzner_answers.FirewallFound)
        assert not hetzner_reading.firewall(told).rules & set(rules_for(ssh_port=22))


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"status": "pending"}, MachineState.STARTING),
        ({"status": "active", "power_status": "running", "server_status": "installingbooting"}, MachineState.STARTING),
        ({"status": "active", "power_status": "running", "server_status": "ok"}, MachineState.RUNNING),
        ({"status": "active", "power_status": "stopped", "server_status": "ok"}, MachineState.OFF),
        ({"status": "suspended", "power_status": "stopped"}, MachineState.UNKNOWN),
    ],
)
def test_vultr_states(told: dict[str, str], state: MachineState) -> None:
    instance = {"id": "i", "plan": "p", "region": "r", "main_ip": "0.0.0.0", **told}
    machine = vultr_reading.machine(msgspec.convert(instance, vultr_answers.Instance))
    assert machine.state is state
    assert machine.address is None


@pytest.mark.parametrize(
    ("name", "version"),
    [("Debian 12 x64 (bookworm)", "12"), ("Ubuntu 24.04 LTS x64", "24.04"), ("Custom", "")],
)
def test_vultr_versions_are_in_the_names(name: str, version: str) -> None:
    told = vultr_answers.OperatingSystem(1, name, "x64", "debian")
    assert vultr_reading.catalogue([], [], [told]).images[0].version == version


@pytest.mark.parametrize("body", [None, [], "x", 5, {}, {"error": None}, {"error": {}}, {"errors": [5, None]}])
def test_errors_in_no_known_form_are_no_crash(body: Any) -> None:
    for said in (hetzner_reading.said, vultr_reading.said, cloudflare_reading.said):
        assert said(400, body) == Said()


def test_cloudflare_tells_all_that_it_says() -> None:
    errors = [{"code": 6003, "message": "Invalid request headers"}, {"code": 6111, "message": "Invalid format"}]
    said = cloudflare_reading.said(400, {"errors": errors})
    assert said == Said("Invalid request headers [6003]; Invalid format [6111]", Refusal.BAD_TOKEN)


def test_cloudflare_records_without_a_comment_are_nobodys() -> None:
    told = {"id": "1", "type": "A", "name": "a", "content": "192.0.2.1", "comment": None, "private_routing": True}
    assert cloudflare_reading.record(msgspec.convert(told, cloudflare_answers.RecordFound)).comment == ""


def test_cloudflare_modes_of_the_future_are_unknown() -> None:
    assert cloudflare_reading.ssl_mode("strict") is SslMode.STRICT
    assert cloudflare_reading.ssl_mode("origin_pull") is SslMode.UNKNOWN


@pytest.mark.parametrize("text", ["", "0.0.0.0", "::", "pending", "192.0.2.1; reboot", "1.2.3.4.5", "192.0.2.1/32"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert address_or_none(text) is None


def test_addresses_and_networks_have_one_spelling() -> None:
    assert address_or_none("2001:0DB8::0001") == "2001:db8::1"
    assert first_of_network("2001:db8:7::/64") == "2001:db8:7::1"
    assert first_of_network("soon") is None
    assert network_or_none("2001:DB8::/32") == "2001:db8::/32"
    assert network_or_none("198.51.100.0/24\n bind :81") is None


@pytest.mark.parametrize("port", ["0", "65536", "99999999", "22-23", "any", "\u0662\u0662"])
def test_hetzner_ports_that_are_none_are_no_crash(port: str) -> None:
    rule = {"direction": "in", "protocol": "tcp", "port": port, "source_ips": ["::/0"]}
    told = msgspec.convert({"id": 1, "name": "n", "rules": [rule]}, hetzner_answers.FirewallFound)
    assert [one.port for one in hetzner_reading.firewall(told).rules] == [None]
