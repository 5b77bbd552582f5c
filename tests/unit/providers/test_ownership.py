from __future__ import annotations

import re

import pytest

from freehold.base.errors import FreeholdError
from freehold.providers.firewall import ANYWHERE, FirewallRule, Protocol, rules_for
from freehold.providers.leftover import Leftover, LeftoverKind, in_order_of_removal
from freehold.providers.ownership import Owner

LONGEST = Owner("abcd1234", "e" * 50)


def test_name_is_a_host_name_and_a_label_whatever_the_environment() -> None:
    assert Owner("abcd1234", "prod").name == "fh-prod-abcd1234"
    for owner in (LONGEST, Owner("abcd", "a"), Owner("1234", "a--b")):
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", owner.name)
        assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value) for value in owner.labels.values())
    # The longest comment that Cloudflare keeps on its free plan has 100 characters.
    assert len(LONGEST.mark) <= 100


@pytest.mark.parametrize(
    ("installation", "environment"),
    [("abc", "prod"), ("ABCD1234", "prod"), ("abcd12345", "prod"), ("abcd1234", ""), ("abcd1234", "Prod"),
     ("abcd1234", "-a"), ("abcd1234", "a-"), ("abcd1234", "e" * 51), ("abcd1234", "a,b"), ("abcd1234", "a b")],
)  # fmt: skip
def test_names_that_a_provider_would_misread_are_refused(installation: str, environment: str) -> None:
    with pytest.raises(FreeholdError):
        Owner(installation, environment)


def test_mark_is_of_one_environment_alone() -> None:
    prod, longer = Owner("abcd1234", "prod"), Owner("abcd1234", "prod-2")
    assert prod.signed(f"{prod.mark} and more")
    assert not prod.signed(longer.mark)
    assert not prod.signed("")
    assert not prod.signed(f"see {prod.mark}")


def test_rules_open_the_real_ssh_port_and_what_is_served() -> None:
    ports = [rule.port for rule in rules_for(ssh_port=2222)]
    assert ports == [2222, 80, 443, None]
    assert [rule.port for rule in rules_for(ssh_port=22, open_ports=(8080,))] == [22, 8080, None]
    assert [rule.port for rule in rules_for(ssh_port=443)] == [443, 80, None]
    assert all(rule.sources == ANYWHERE == {"0.0.0.0/0", "::/0"} for rule in rules_for(ssh_port=22))


@pytest.mark.parametrize(
    ("protocol", "port"), [(Protocol.TCP, None), (Protocol.TCP, 0), (Protocol.TCP, 65536), (Protocol.ICMP, 22)]
)
def test_rules_that_are_none_are_refused(protocol: Protocol, port: int | None) -> None:
    with pytest.raises(FreeholdError, match="firewall"):
        FirewallRule(protocol, port, "")


def test_names_go_first_and_a_firewall_after_its_server() -> None:
    mixed = tuple(Leftover(kind, "1", "x") for kind in reversed(LeftoverKind))
    kinds = [leftover.kind for leftover in in_order_of_removal(mixed)]
    assert kinds.index(LeftoverKind.DNS_RECORD) < kinds.index(LeftoverKind.SERVER) < kinds.index(LeftoverKind.FIREWALL)
