"""How jump hosts and places are written."""

from __future__ import annotations

import pytest

from freehold.hosts.host_key_check import algorithms_for
from freehold.hosts.target import parse_hop, place_of
from freehold.project.host_key import HostKey, Pin


@pytest.mark.parametrize(
    ("text", "host", "user", "port"),
    [
        ("box", "box", "", 0),
        ("root@box", "box", "root", 0),
        ("root@box:2222", "box", "root", 2222),
        ("a@b@box", "box", "a@b", 0),
        ("[2001:db8::1]:22", "2001:db8::1", "", 22),
        ("me@[2001:db8::1]", "2001:db8::1", "me", 0),
        ("2001:db8::1", "2001:db8::1", "", 0),
        (" box:1 ", "box", "", 1),
    ],
)
def test_hops(text: str, host: str, user: str, port: int) -> None:
    hop = parse_hop(text)
    assert (hop.host, hop.user, hop.port) == (host, user, port)


@pytest.mark.parametrize("text", ["", "root@", "box:ssh", "@", "[::1]:x"])
def test_what_is_no_hop(text: str) -> None:
    with pytest.raises(ValueError, match=r"no \[user@\]host\[:port\]"):
        parse_hop(text)


def test_places_as_in_files_of_known_hosts() -> None:
    assert (place_of("box", 22), place_of("box", 2222), place_of("::1", 22)) == ("box", "[box]:2222", "::1")


@pytest.mark.parametrize(
    ("pinned", "first"),
    [("ssh-rsa", "rsa-sha2-256"), ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"), ("ssh-dss", "ssh-ed25519")],
)
def test_the_pinned_kind_is_asked_for_first(pinned: str, first: str) -> None:
    key = HostKey(pinned, b"")
    asked = algorithms_for([Pin(key.fingerprint, key)])
    assert asked[0] == first
    assert sorted(asked) == sorted(algorithms_for([]))
    assert "ssh-rsa" not in asked  # signatures with SHA-1
