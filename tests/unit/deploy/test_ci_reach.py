"""Which addresses a runner elsewhere cannot reach."""

from __future__ import annotations

import pytest

from freehold.deploy.ci.reach import why_not_from_outside

ITSELF, PRIVATE = "which is this machine itself", "a private address"


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("10.0.0.1", PRIVATE),
        ("172.16.0.1", PRIVATE),
        ("172.31.255.255", PRIVATE),
        ("172.32.0.1", ""),
        ("192.168.1.2", PRIVATE),
        ("100.64.0.1", PRIVATE),
        ("169.254.1.1", PRIVATE),
        ("fd00::1", PRIVATE),
        ("fe80::1%eth0", PRIVATE),
        ("::ffff:10.0.0.1", PRIVATE),
        ("127.0.0.1", ITSELF),
        ("::1", ITSELF),
        ("localhost", ITSELF),
        ("203.0.113.7", ""),
        ("2001:db8::1", ""),
        ("app.example.com", ""),
        ("10.example.com", ""),
        ("", ""),
    ],
)
def test_addresses(host: str, why: str) -> None:
    assert why_not_from_outside(host) == why
