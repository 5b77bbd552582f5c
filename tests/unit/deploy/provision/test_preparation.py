"""A server that was there before: nothing is done to it that was not listed and agreed to."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.part import Change
from freehold.deploy.provision.preparation import Preparation, needed_repairs
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.host import Command, Host, Outcome
from freehold.server.facts import ServerFacts
from tests.support.provisioning import Teller

GB = 1024**3
GOOD = ServerFacts(
    os="debian", os_version="12", architecture="x86_64", init="systemd", systemd="running", python=(3, 11),
    docker_program="/usr/bin/docker", docker="20.10.24", has_apt=True, disk_bytes=40 * GB, disk_free_bytes=30 * GB,
    files=1000, files_free=900, memory_bytes=2 * GB,
)  # fmt: skip
PROBED = (
    "uid=0\nos=debian\nos_version=12\narchitecture=x86_64\ninit=systemd\nsystemd=running\npython={python}\n"
    "docker_program={docker}\ndocker=\napt=/usr/bin/apt-get\ndisk_kb=40000000\ndisk_free_kb=30000000\n"
)


@pytest.mark.parametrize(
    ("facts", "offers"),
    [
        (GOOD, []),
        (replace(GOOD, docker_program="", docker=""), []),  # it comes with the other packages
        (replace(GOOD, docker=""), ["start Docker, now and at each start of the server"]),
        (replace(GOOD, python=(0, 0)), ["install Debian's python3"]),
    ],
)
def test_what_is_needed_first(facts: ServerFacts, offers: list[str]) -> None:
    assert [repair.offer for repair in needed_repairs(facts)] == offers


@pytest.mark.parametrize(
    ("facts", "problems"),
    [
        (replace(GOOD, is_root=False, sudo_problem="no sudo"), ["sudo: no sudo"]),
        (replace(GOOD, python=(3, 9), init="runit"), ["systemd: systemd does not run", "python: Python 3.9"]),
        (replace(GOOD, disk_free_bytes=GB), ["disk: 1.0 GB free"]),
    ],
)  # fmt: skip
def test_what_nobody_can_do_for_its_owner_is_said_all_at_once(facts: ServerFacts, problems: list[str]) -> None:
    with pytest.raises(FreeholdError) as raised:
        needed_repairs(facts)
    assert raised.value.code is Code.FAILED
    assert all(problem in raised.value.message for problem in problems)


@dataclass
class Wall:
    """A part that has one thing to do."""

    name: str = "wall"
    remote: str = ""
    built: list[str] = field(default_factory=list)

    def asked(self) -> None:
        return None

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        assert facts
        return [Change("build a wall", ("of bricks",))]

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        assert host
        self.built += [change.what for change in changes]


def server(python: str = "3.11.2", docker: str = "") -> FakeHost:
    host = FakeHost("mine")
    state = {"python": python}

    def probe(_: Command) -> Outcome:
        return Outcome(0, PROBED.format(docker=docker, **state).encode())

    def apt(_: Command) -> Outcome:
        state["python"] = "3.11.2"
        return Outcome(0)

    host.replies |= {("sh", "-s"): probe, ("apt-get",): Outcome(0), ("env",): apt}
    packed = base64.b64encode(zlib.compress(b'{"wall": {}}')).decode()
    host.scripts["facts"] = lambda _: {"held": None, "packed": packed}
    return host


@pytest.mark.parametrize("agrees", [True, False])
async def test_everything_is_listed_before_it_is_done(agrees: bool) -> None:
    wall, host, shown = Wall(), server(), list[str]()

    def agree(changes: Sequence[Change]) -> bool:
        assert wall.built == []
        shown.extend(change.what for change in changes)
        return agrees

    preparation = Preparation([wall], agree, Teller())
    if agrees:
        await preparation(host)
    else:
        with pytest.raises(FreeholdError, match="nothing of that was changed") as raised:
            await preparation(host)
        assert raised.value.code is Code.INTERRUPTED
    assert shown == ["build a wall"]
    assert wall.built == (["build a wall"] if agrees else [])


async def test_without_python_that_is_asked_for_first() -> None:
    wall, host, asked = Wall(), server(python=""), list[list[str]]()

    def agree(changes: Sequence[Change]) -> bool:
        asked.append([change.what for change in changes])
        return len(asked) == 1

    with pytest.raises(FreeholdError, match="nothing of that was changed"):
        await Preparation([wall], agree, Teller())(host)
    assert asked == [["install Debian's python3"], ["build a wall"]]
    assert wall.built == []


async def test_a_repair_that_fails_says_why() -> None:
    host = server(python="")
    host.replies["env",] = Outcome(100, b"", b"E: no archive\n")
    with pytest.raises(FreeholdError, match="mine: could not install Debian's python3: E: no archive"):
        await Preparation([Wall()], lambda _: True, Teller())(host)
