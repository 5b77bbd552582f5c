"""The edge's share of a push on real servers: what is somebody else's, what goes wrong, what is cut off."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.check import State
from freehold.deploy.edge_checks import EDGE_CHECKS
from freehold.deploy.edge_examination import examine_edge
from freehold.deploy.edge_part import EdgePart, GivenCertificate, ask_edge
from freehold.edge.fragment import Fragment
from freehold.hosts.host import Command, Host, Outcome
from freehold.providers.origin_request import new_request
from freehold.providers.ownership import Owner
from freehold.server.layout import CERTIFICATES, HAPROXY_FILE, Layout
from tests.support.edge_backend import stand
from tests.support.edge_world import BLOG, SHOP, World, world_on
from tests.support.load import Request
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import says, settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

PLAIN = Fragment(project="shop", port=8080)
NAMED = Fragment(project="shop", port=8080, hosts=(SHOP,))
OTHER = Fragment(project="blog", port=8081, hosts=(BLOG,))
THEIRS = """\
global
    stats socket /run/haproxy/theirs.sock
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend theirs
    bind 127.0.0.1:8099
    http-request return status 200 content-type text/plain string theirs
"""


@pytest.fixture
async def world(server: SandboxServer) -> AsyncIterator[World]:
    async with world_on(server) as made:
        yield made


async def answers(world: World, host: str = SHOP) -> str:
    """Which backend answers at port 80."""
    answer = await world.plain(host).ask(Request())
    assert answer.status == 200, answer
    return str(json.loads(answer.body)["project"])


@contextlib.asynccontextmanager
async def listening(host: Host, port: int) -> AsyncIterator[None]:
    """Another program has the port."""
    await says(host, f"systemd-run --quiet --unit=other-{port} python3 -m http.server {port} --bind 0.0.0.0")
    await says(host, f"for i in $(seq 100); do ss -Hltn 'sport = :{port}' | grep -q . && break; sleep 0.1; done")
    try:
        yield
    finally:
        await says(host, f"systemctl stop other-{port}.service")


async def test_it_is_taken_into_service_once_and_leaves_nothing(world: World) -> None:
    before = await says(world.host, f"sha256sum {HAPROXY_FILE}; ls -A /etc/freehold 2>/dev/null || true")
    await stand(world.host, "shop", 8080)
    assert "write /etc/freehold/edge.d/shop.json" in await settled(world.host, EdgePart("shop", PLAIN))
    assert await settled(world.host, EdgePart("shop", PLAIN)) == []
    assert await answers(world) == "shop"
    await settled(world.host, EdgePart("shop", None))
    assert await says(world.host, f"sha256sum {HAPROXY_FILE}; ls -A /etc/freehold 2>/dev/null || true") == before
    assert (await ask_edge(world.host)).active is False
    assert await says(world.host, "systemctl is-enabled haproxy || true") == "disabled"


async def test_what_somebody_else_configured_is_replaced_when_agreed_and_comes_back(world: World) -> None:
    stock = await world.host.get(HAPROXY_FILE)
    await says(world.host, f"cat > {HAPROXY_FILE} <<'END'\n{THEIRS}END\nsystemctl restart haproxy")
    try:
        with pytest.raises(FreeholdError, match="written by somebody else") as raised:
            await settled(world.host, EdgePart("shop", PLAIN))
        assert raised.value.code is Code.CONFLICT
        assert await says(world.host, "curl -s localhost:8099") == "theirs"
        await stand(world.host, "shop", 8080)
        await settled(world.host, EdgePart("shop", PLAIN, take_over=True))
        assert await answers(world) == "shop"

        await says(world.host, f"echo '# by hand' >> {HAPROXY_FILE}")
        with pytest.raises(FreeholdError, match="edited by hand"):
            await settled(world.host, EdgePart("shop", PLAIN))
        await settled(world.host, EdgePart("shop", PLAIN, take_over=True))
        assert "# by hand" in await says(world.host, f"tail -n 1 {HAPROXY_FILE}.replaced")

        await settled(world.host, EdgePart("shop", None))
        assert (await world.host.get(HAPROXY_FILE)).decode() == THEIRS
        assert await says(world.host, "curl -s --retry 5 --retry-connrefused localhost:8099") == "theirs"
    finally:
        await settled(world.host, EdgePart("shop", None))
        await says(world.host, f"systemctl disable --now haproxy; rm -f {HAPROXY_FILE}.replaced")
        await says(world.host, f"cat > {HAPROXY_FILE} <<'END'\n{stock.decode()}END\n")


async def test_a_port_of_somebody_else_is_said_before_and_survived_after(world: World) -> None:
    async with listening(world.host, 80):
        with pytest.raises(FreeholdError, match="port 80 of the server belongs to python3") as raised:
            await settled(world.host, EdgePart("shop", PLAIN))
        assert "expose = false" in raised.value.hint
    planned = EdgePart("shop", PLAIN)
    changes = planned.plan_by(await ask_edge(world.host))
    async with listening(world.host, 80):
        with pytest.raises(FreeholdError, match=r"HAProxy cannot restart.*(Address already in use|cannot bind)"):
            await planned.carry_out(world.host, changes)
        there = await ask_edge(world.host)
        assert (there.fragments, there.stock, there.active) == ({}, True, False)
    await settled(world.host, planned)


async def test_what_haproxy_does_not_take_changes_nothing(world: World) -> None:
    await world.serve("shop", 8080, hosts=(SHOP,))
    there = await ask_edge(world.host)
    with_certificate = Fragment(project="blog", port=8081, hosts=(BLOG,), certificate=Layout("blog").certificate)
    certificate = world.authority.certify((BLOG,), new_request(BLOG, Owner("abcd", "box")).csr_pem)
    path = Layout("blog").certificate
    await says(world.host, f"mkdir -p -m 700 {CERTIFICATES}; cat > {path} <<'END'\n{certificate}END\nchmod 600 {path}")
    try:
        with pytest.raises(FreeholdError, match="HAProxy does not take its new configuration") as raised:
            await settled(world.host, EdgePart("blog", with_certificate))
        assert path in raised.value.message
        now = await ask_edge(world.host)
        assert (now.fragments, now.configuration, now.running) == (there.fragments, there.configuration, there.running)
        assert await answers(world) == "shop"
    finally:
        await says(world.host, f"rm {path}")


async def test_a_certificate_of_ones_own_travels_and_only_root_reads_it(world: World) -> None:
    await stand(world.host, "shop", 8080)
    request = new_request(SHOP, Owner("abcd", "box"))
    given = GivenCertificate(world.authority.certify((SHOP,), request.csr_pem), request.key_pem)
    fragment = Fragment(project="shop", port=8080, hosts=(SHOP,), certificate=Layout("shop").certificate)
    await settled(world.host, EdgePart("shop", fragment, given=given))
    assert (await world.secure(SHOP).ask(Request())).status == 200
    modes = await says(world.host, "stat -c '%a %U' /etc/freehold/tls /etc/freehold/tls/shop.pem")
    assert modes.splitlines() == ["700 root", "600 root"]
    assert "PRIVATE KEY" not in str(await ask_edge(world.host))
    journal = await says(world.host, "journalctl -b --no-pager -o cat")
    assert "PRIVATE KEY" not in journal


class Cut:
    """`Host`, on which every command is killed after a while."""

    def __init__(self, host: Host, after_s: float) -> None:
        self._host, self._after_s = host, after_s

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    async def run(self, command: Command) -> Outcome:
        killed = ("timeout", "--signal=KILL", f"{self._after_s:.3f}", *command.argv)
        return await self._host.run(dataclasses.replace(command, argv=killed))


async def test_cut_off_anywhere_the_next_push_repairs_and_the_old_one_serves(world: World) -> None:
    await world.serve("shop", 8080, hosts=(SHOP,))
    await stand(world.host, "blog", 8081)
    finished = 0
    for step in range(14):
        wanted = OTHER if step % 2 == 0 else None
        part = EdgePart("blog", wanted)
        changes = part.plan_by(await ask_edge(world.host))
        with contextlib.suppress(FreeholdError):
            await part.carry_out(Cut(world.host, 0.04 + step * 0.03), changes)
            finished += 1
        assert await answers(world) == "shop"
        await settled(world.host, part)
        assert await answers(world) == "shop"
        if wanted:
            assert await answers(world, BLOG) == "blog"
    assert finished < 14, "nothing was cut off"


async def test_two_pushes_at_once_are_both_served(world: World) -> None:
    for name, port in (("shop", 8080), ("blog", 8081)):
        await stand(world.host, name, port)
    there = await ask_edge(world.host)
    parts = [EdgePart("shop", NAMED), EdgePart("blog", OTHER)]
    await asyncio.gather(*(part.carry_out(world.host, part.plan_by(there)) for part in parts))
    assert (await answers(world), await answers(world, BLOG)) == ("shop", "blog")
    assert [await settled(world.host, part) for part in parts] == [[], []]


async def test_the_checks_find_it_well_and_repair_it(world: World) -> None:
    await world.serve_shop()

    async def states() -> dict[str, State]:
        sight = await examine_edge(world.host, world.server.address, exposed=True)
        return {check.name: check.judge(sight).state for check in EDGE_CHECKS}

    # Nobody has given the name a record: that is found, and what a visitor would meet is not asked.
    well = {"edge": State.PASS, "certificate": State.PASS, "redirect": State.PASS}
    assert await states() == {**well, "host name": State.FAIL, "https": State.SKIP}
    await says(world.host, "systemctl disable --now haproxy; chmod 644 /etc/freehold/tls/shop.pem")
    broken = await states()
    assert (broken["edge"], broken["certificate"], broken["redirect"]) == (State.FAIL,) * 3
    sight = await examine_edge(world.host, world.server.address, exposed=True)
    for check in EDGE_CHECKS:
        for command in repair.commands if (repair := check.repair(sight)) else ():
            assert (await world.host.run(command)).status == 0
    assert await states() == {**well, "host name": State.FAIL, "https": State.SKIP}
