"""What is to be typed when a host key is not known to be right."""

from __future__ import annotations

import pytest

from freehold.hosts.failures import ChangedHostKeyError, HostKeyError, UnknownHostKeyError
from freehold.project.host_key import HostKey, Pin

KEY = HostKey("ssh-ed25519", b"shown")
PINNED = Pin(HostKey("ssh-ed25519", b"pinned").fingerprint)


@pytest.mark.parametrize(
    "error",
    [
        UnknownHostKeyError("prod", "192.0.2.10", KEY),
        UnknownHostKeyError("bastion", "192.0.2.1", KEY, "prod"),
        ChangedHostKeyError("prod", "192.0.2.10", KEY, PINNED, "prod.toml"),
        ChangedHostKeyError("bastion", "192.0.2.1", KEY, PINNED, "known_hosts", "prod"),
    ],
)
def test_the_environment_is_named(error: HostKeyError) -> None:
    assert error.hint.endswith(f": freehold env check prod --host-key {KEY.fingerprint}")
