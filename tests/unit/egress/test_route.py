"""What stays on this host, as the kernel sees it."""

import subprocess
import sys

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


@pytest.mark.root
def test_a_public_address_of_this_host_is_refused() -> None:
    """In a network namespace of its own, whose loopback has an address that no table knows."""
    ask = (
        "from freehold.egress.dialer import why_never_dialled as why; print(why('198.51.100.200'), why('198.51.100.9'))"
    )
    set_up = "ip link set lo up; ip addr add 198.51.100.200/32 dev lo; ip route add default dev lo"
    command = ["unshare", "--net", "sh", "-c", f'{set_up}; exec "$0" -c "$1"', sys.executable, ask]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert told.stdout == "this host's own None\n"


def test_the_tables_are_asked_first() -> None:
    assert why_never_dialled("10.0.0.1") == "private"
    assert why_never_dialled("198.51.100.7") is None
