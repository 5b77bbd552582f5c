"""Which names the gateway answers to, and whose pages may change something."""

from __future__ import annotations

import pytest

from freehold.gateway.trusted_hosts import TrustedHosts, is_own_page

PUBLIC = "https://agents.example.com"


@pytest.mark.parametrize(
    ("hosts", "host", "included"),
    [
        (TrustedHosts(8080), "localhost:8080", True),
        (TrustedHosts(8080), "localhost:80", False),
        (TrustedHosts(80), "localhost", True),
        (TrustedHosts(0), "localhost:1234", True),
        (TrustedHosts(0), "evil.example:1234", False),
        (TrustedHosts(8080, PUBLIC), "agents.example.com", True),
        (TrustedHosts(8080, PUBLIC), "AGENTS.example.com.", True),
        (TrustedHosts(8080, PUBLIC), "agents.example.com.evil.example", False),
        (TrustedHosts(8080, PUBLIC), "10.0.0.1:8080", False),
        (TrustedHosts(8080, exposed=True), "10.0.0.1:8080", True),
        (TrustedHosts(8080, exposed=True), "[fe80::1]:8080", True),
        (TrustedHosts(8080, exposed=True), "10.0.0.1:9090", False),
        (TrustedHosts(8080, exposed=True, names=frozenset({"box"})), "box:8080", True),
        (TrustedHosts(8080, exposed=True), "evil.example:8080", False),
        (TrustedHosts(8080, exposed=True), "10.0.0.1.evil.example:8080", False),
        (TrustedHosts(8080), "", False),
        (TrustedHosts(8080), "localhost:8080/x", False),
        (TrustedHosts(8080), "localhost:8080:8080", False),
    ],
)
def test_names(hosts: TrustedHosts, host: str, included: bool) -> None:
    assert hosts.include(host) is included


@pytest.mark.parametrize(
    ("public", "host", "https"),
    [
        (PUBLIC, "agents.example.com", True),
        (PUBLIC, "localhost:8080", False),
        ("http://agents.example.com", "agents.example.com", False),
        ("", "localhost:8080", False),
    ],
)
def test_https(public: str, host: str, https: bool) -> None:
    assert TrustedHosts(8080, public).is_https(host) is https


@pytest.mark.parametrize(
    ("host", "headers", "own"),
    [
        ("agents.example.com", {"origin": "https://agents.example.com"}, True),
        ("agents.example.com", {"origin": "https://agents.example.com:443"}, True),
        ("agents.example.com", {"origin": "https://agents.example.com:444"}, False),
        ("agents.example.com", {"origin": "file://agents.example.com"}, False),
        ("agents.example.com", {"origin": ""}, False),
        ("[::1]:8080", {"origin": "http://[::1]:8080"}, True),
        ("localhost:8080", {"origin": "http://localhost:8080", "sec-fetch-site": "cross-site"}, True),
        ("localhost:8080", {}, True),
    ],
)
def test_pages(host: str, headers: dict[str, str], own: bool) -> None:
    assert is_own_page(host, headers) is own
