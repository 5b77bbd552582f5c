"""Which addresses are never dialled."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.egress.addresses import why_refused


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("10.0.0.1", "private"),
        ("100.64.0.1", "CGNAT"),
        ("100.127.255.255", "CGNAT"),
        ("100.100.100.200", "metadata"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("168.63.129.16", "metadata"),
        ("169.254.169.254", "metadata"),
        ("169.254.170.2", "link-local"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "metadata"),
        ("192.0.0.8", "reserved"),
        ("192.168.1.1", "private"),
        ("198.18.0.1", "benchmarks"),
        ("224.0.0.251", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::7f00:1", "IPv4-compatible: 127.0.0.1"),
        ("::ffff:127.0.0.1", "IPv4-mapped: 127.0.0.1"),
        ("::ffff:8.8.8.8", "IPv4-mapped: 8.8.8.8"),
        ("::ffff:0:10.0.0.1", "translated"),
        ("64:ff9b::a9fe:a9fe", "NAT64): 169.254.169.254"),
        ("64:ff9b::808:808", "NAT64): 8.8.8.8"),
        ("64:ff9b:1::1", "reserved"),
        ("2002:7f00:1::1", "6to4): 127.0.0.1"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo): 192.0.2.45"),
        ("2001:20::1", "reserved"),
        ("100::1", "discarded"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "metadata"),
        ("fd20:ce::254", "metadata"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
        ("4000::1", "reserved"),
    ],
)
def test_refused(address: str, reason: str) -> None:
    assert reason in (why_refused(address) or "")


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
        "168.63.129.17", "172.15.255.255", "172.32.0.0", "223.255.255.255",
        "192.0.2.1", "198.51.100.1", "203.0.113.80", "2001:db8::1", "3fff::1",  # documentation: see the module
        "2606:4700::1111", "2a00:1450::1",
    ],
)  # fmt: skip
def test_dialled(address: str) -> None:
    assert why_refused(address) is None


DOCUMENTATION = [
    ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_python_knows_as_not_global_is_refused(address: IPv4Address | IPv6Address) -> None:
    if any(address in network for network in DOCUMENTATION):
        assert why_refused(str(address)) is None
    elif not address.is_global or address.is_multicast or address.is_reserved:
        assert why_refused(str(address))


@given(st.ip_addresses(v=4))
def test_no_ipv6_spelling_of_an_ipv4_address_is_dialled(address: IPv4Address) -> None:
    number = int(address)
    for prefix, shift in ((0, 0), (0xFFFF << 32, 0), (0xFFFF << 48, 0), (0x64FF9B << 96, 0), (0x2002 << 112, 80)):
        assert why_refused(str(IPv6Address(prefix | number << shift)))


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        why_refused("example.com")


def test_the_reasons_finish_a_sentence() -> None:
    for text in ("10.0.0.1", "::1", "ff02::1"):
        assert f"{ip_address(text)} is {why_refused(text)}".isascii()
