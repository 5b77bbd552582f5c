"""What `Dns` promises, in memory and on the real client before a strict Cloudflare."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator

import pytest
from cryptography import x509

from freehold.base.errors import FreeholdError
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.dns import SslMode
from freehold.providers.leftover import LeftoverKind, in_order_of_removal
from freehold.providers.origin_request import certifies, new_request
from tests.support.cloud_worlds import DNS_WORLDS, PROD, STAGING, DnsWorld

HOST = "agents.example.com"


@pytest.fixture(params=list(DNS_WORLDS))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[DnsWorld]:
    with DNS_WORLDS[request.param](None) as made:
        yield made
        await made.dns.close()


async def leads_to(world: DnsWorld) -> set[tuple[str, str]]:
    return {(one.type, one.content) for one in await world.dns.records(world.zone, HOST)}


async def test_token_is_told_and_zones_are_listed(world: DnsWorld) -> None:
    assert await world.dns.check()
    zones = await world.dns.zones()
    assert [(zone.name, zone.active) for zone in zones] == [("example.com", True)]
    assert zones[0].holds(HOST)
    assert not zones[0].holds("badexample.com")


async def test_name_leads_to_exactly_these_addresses_and_follows_them(world: DnsWorld) -> None:
    made = await world.dns.point(world.zone, HOST, ("192.0.2.1", "2001:db8::1"), PROD)
    assert await leads_to(world) == {("A", "192.0.2.1"), ("AAAA", "2001:db8::1")}
    assert all(record.proxied and PROD.signed(record.comment) for record in made)

    await world.dns.point(world.zone, HOST, ("192.0.2.2",), PROD)
    assert await leads_to(world) == {("A", "192.0.2.2")}
    kept = await world.dns.records(world.zone, HOST)
    await world.dns.point(world.zone, "AGENTS.example.com.", ("192.0.2.2",), PROD)
    assert await world.dns.records(world.zone, HOST) == kept


@pytest.mark.parametrize(("kind", "content"), [("A", "198.51.100.7"), ("CNAME", "pages.example.net")])
async def test_records_of_others_are_replaced_only_when_told_to(world: DnsWorld, kind: str, content: str) -> None:
    world.add_record(kind, HOST, content)
    with pytest.raises(ApiError) as caught:
        await world.dns.point(world.zone, HOST, ("192.0.2.1",), PROD)
    assert caught.value.refusal is Refusal.TAKEN
    assert await leads_to(world) == {(kind, content)}

    await world.dns.point(world.zone, HOST, ("192.0.2.1",), PROD, replace=True)
    assert await leads_to(world) == {("A", "192.0.2.1")}


async def test_text_records_stand_beside_ours(world: DnsWorld) -> None:
    world.add_record("TXT", HOST, "v=spf1 -all")
    await world.dns.point(world.zone, HOST, ("192.0.2.1",), PROD)
    assert await leads_to(world) == {("A", "192.0.2.1"), ("TXT", "v=spf1 -all")}


async def test_origin_certificate_is_on_the_key_that_never_left(world: DnsWorld) -> None:
    request = new_request(HOST, PROD)
    made = await world.dns.certify(HOST, request.csr_pem)

    assert made.hostnames == (HOST,)
    assert certifies(made.certificate_pem, request.csr_pem)
    assert not certifies(made.certificate_pem, new_request(HOST, PROD).csr_pem)
    names = x509.load_pem_x509_certificate(made.certificate_pem.encode()).extensions
    alternative = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternative.get_values_for_type(x509.DNSName) == [HOST]


async def test_ssl_mode_is_read_and_set(world: DnsWorld) -> None:
    assert await world.dns.ssl_mode(world.zone) is SslMode.FULL
    await world.dns.set_ssl_mode(world.zone, SslMode.STRICT)
    assert await world.dns.ssl_mode(world.zone) is SslMode.STRICT


async def test_strict_for_one_name_leaves_the_zone_and_other_owners_alone(world: DnsWorld) -> None:
    await world.dns.require_strict(world.zone, "other.example.com", STAGING)
    await world.dns.require_strict(world.zone, HOST, PROD)
    await world.dns.require_strict(world.zone, HOST, PROD)

    rules = [one for one in await world.dns.leftovers(world.zone, PROD) if one.kind is LeftoverKind.HOST_RULE]
    assert len(rules) == 1
    assert len(await world.dns.leftovers(world.zone, STAGING)) == 1
    assert await world.dns.ssl_mode(world.zone) is SslMode.FULL


async def test_rule_follows_the_name(world: DnsWorld) -> None:
    await world.dns.require_strict(world.zone, HOST, PROD)
    await world.dns.require_strict(world.zone, "new.example.com", PROD)

    rules = await world.dns.leftovers(world.zone, PROD)
    assert len(rules) == 1
    assert "new.example.com" in rules[0].name


async def test_networks_of_the_proxy_are_of_both_kinds(world: DnsWorld) -> None:
    networks = [ipaddress.ip_network(one) for one in await world.dns.proxy_networks()]
    assert {network.version for network in networks} == {4, 6}


async def test_teardown_leaves_nothing_and_touches_nothing_else(world: DnsWorld) -> None:
    world.add_record("A", "www.example.com", "198.51.100.7")
    for owner, host in ((PROD, HOST), (STAGING, "staging.example.com")):
        await world.dns.point(world.zone, host, ("192.0.2.1",), owner)
        await world.dns.certify(host, new_request(host, owner).csr_pem)
        await world.dns.require_strict(world.zone, host, owner)
    before = await world.dns.leftovers(world.zone, STAGING)
    mine = await world.dns.leftovers(world.zone, PROD)
    assert {one.kind for one in mine} == {LeftoverKind.DNS_RECORD, LeftoverKind.HOST_RULE, LeftoverKind.CERTIFICATE}

    for leftover in in_order_of_removal(mine):
        await world.dns.remove(world.zone, leftover)
        await world.dns.remove(world.zone, leftover)  # gone already: nothing happens

    assert await world.dns.leftovers(world.zone, PROD) == ()
    assert await world.dns.leftovers(world.zone, STAGING) == before
    assert await world.dns.records(world.zone, "www.example.com")


@pytest.mark.parametrize("host", ['agents.example.com") or (true', "192.0.2.1", "", "a b.example.com"])
async def test_what_is_no_host_name_is_refused_before_anything_is_asked(world: DnsWorld, host: str) -> None:
    with pytest.raises(FreeholdError, match="host name"):
        await world.dns.require_strict(world.zone, host, PROD)
    with pytest.raises(FreeholdError, match="host name"):
        await world.dns.point(world.zone, host, ("192.0.2.1",), PROD)
    assert world.api is None or world.api.asked == []
