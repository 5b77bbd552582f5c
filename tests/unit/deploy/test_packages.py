"""Which packages are missing, and what is said while and when they cannot be installed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.deploy.packages import WAIT_S, PackagesPart
from freehold.deploy.part import Change
from freehold.hosts.fake_host import FakeHost

ALL = ["ca-certificates", "docker.io", "fail2ban", "nftables", "python3-systemd"]
CHANGE = Change("install fail2ban", (), {"packages": ["fail2ban"]})


def missing(*, edge: bool = False, **facts: Any) -> list[str]:
    told = {"installed": ALL, "programs": [], "apt": True, "system": "debian 12", **facts}
    changes = PackagesPart(edge=edge).plan(msgspec.Raw(msgspec.json.encode(told)))
    return [package for change in changes for package in change.document["packages"]]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, []),
        ({"edge": True}, ["haproxy"]),
        ({"edge": True, "programs": ["haproxy"]}, []),
        ({"installed": ["ca-certificates"]}, ["fail2ban", "nftables", "python3-systemd", "docker.io"]),
        ({"installed": ALL[:1] + ALL[2:], "programs": ["dockerd", "docker"]}, []),  # Docker's own packages
        ({"system": "debian 13"}, ["docker-cli"]),
        ({"system": "debian 13", "programs": ["docker"]}, []),
        ({"system": "ubuntu 24.04"}, []),
    ],
)
def test_only_what_is_missing(facts: dict[str, Any], expected: list[str]) -> None:
    assert missing(**facts) == expected


def test_without_apt() -> None:
    with pytest.raises(FreeholdError, match=r"is missing .*fail2ban, nftables.*no apt-get"):
        missing(installed=[], apt=False)
    assert missing(apt=False) == []


async def test_somebody_who_holds_apt_is_waited_for_and_told_once() -> None:
    answers = iter(["apt-get (process 8)", "apt-get (process 8)", "dpkg (process 9)", ""])
    host = FakeHost(scripts={"packages": lambda _: {"held_by": next(answers)}})
    said, clock = list[str](), FakeClock()
    await PackagesPart(edge=False, say=said.append, clock=clock).carry_out(host, [CHANGE])
    assert [line.split(" lets")[0] for line in said] == [
        "waiting until apt-get (process 8)", "waiting until dpkg (process 9)"
    ]  # fmt: skip
    assert clock.monotonic() == 9


async def test_somebody_who_never_lets_go() -> None:
    host = FakeHost(scripts={"packages": lambda _: {"held_by": "apt-get (process 8)"}})
    clock = FakeClock()
    with pytest.raises(FreeholdError, match="has held apt for more than 10 min") as caught:
        await PackagesPart(edge=False, clock=clock).carry_out(host, [CHANGE])
    assert caught.value.code is Code.TIMEOUT
    assert WAIT_S <= clock.monotonic() < WAIT_S + 10


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            {"failed": "Unable to locate package", "no_archive": "Could not connect"},
            "reaches no archive.*Could not connect",
        ),
        ({"failed": "dpkg returned an error code (1)"}, "could not be installed: dpkg returned"),
    ],
)
async def test_what_cannot_be_installed(told: dict[str, str], words: str) -> None:
    host = FakeHost(scripts={"packages": lambda _: {"held_by": "", **told}})
    with pytest.raises(FreeholdError, match=words) as caught:
        await PackagesPart(edge=False).carry_out(host, [CHANGE])
    assert "apt-get install fail2ban" in caught.value.hint
