"""What stays on this host, as the kernel sees it."""

import pytest

from freehold.egress.dialer import why_never_dialled
from freehold.egress.route import why_not_away


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "this host's own"),
        ("127.9.9.9", "this host's own"),
        ("::1", "this host's own"),
        ("::1%lo", "this host's own"),
        ("224.0.0.1", "multicast"),
    ],
)
def test_what_is_this_hosts_own(address: str, reason: str) -> None:
    assert why_not_away(address) == reason


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::7"])
def test_what_is_elsewhere(address: str) -> None:
    assert why_not_away(address) is None


def test_the_tables_are_asked_first() -> None:
    assert why_never_dialled("10.0.0.1") == "private"
    assert why_never_dialled("198.51.100.7") is None
