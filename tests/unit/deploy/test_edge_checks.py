"""Checks of the edge: each a table of what is seen and what is said of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import msgspec
import pytest

from freehold.deploy.check import State
from freehold.deploy.edge_checks import EDGE_CHECKS
from freehold.deploy.edge_examination import EdgeSight, Seen, examine_edge
from freehold.deploy.edge_facts import OURS, EdgeFacts, ServedCertificate
from freehold.edge.fragment import Fragment, written
from freehold.edge.haproxy_config import configuration, mark_of
from freehold.hosts.fake_host import FakeHost
from freehold.server.layout import Layout
from tests.support.edge_certificates import DAY, NOW, signed

HOST, ADDRESS = "shop.example.com", "198.51.100.7"
SHOP = Fragment(project="shop", port=8080, hosts=(HOST,), certificate=Layout("shop").certificate)
BLOG = Fragment(project="blog", port=8081, hosts=("blog.example.com",))
BOTH_NOWHERE = f"blog.example.com, {HOST} lead nowhere"
PROXIED = msgspec.structs.replace(SHOP, cloudflare=True)
BY_NAME = {check.name: check for check in EDGE_CHECKS}


def facts(fragment: Fragment = SHOP, pem: str = "", **more: Any) -> EdgeFacts:
    served = {"shop": ServedCertificate(pem or signed(HOST).pem, more.pop("closed", True))}
    there = EdgeFacts(haproxy="2.6.12", active=True, enabled=True, stock=False, certificates=served)
    text = configuration([fragment], there.machine())
    values = {"configuration": text, "running": OURS + mark_of(text), "listeners": {"80": ["haproxy"]}}
    return msgspec.structs.replace(there, fragments={"shop.json": written(fragment)}, **{**values, **more})


def sight(fragment: Fragment = SHOP, **more: Any) -> EdgeSight:
    return EdgeSight(
        facts=more.pop("facts", None) or facts(fragment), fragments=(fragment,), addresses=frozenset({ADDRESS}),
        resolved={HOST: frozenset({ADDRESS})}, plain={HOST: Seen(301, f"https://{HOST}/health")},
        secure={HOST: Seen(200)}, now=NOW,
    )  # fmt: skip


GOOD = sight()
NONE = EdgeSight(EdgeFacts(), now=NOW)


def test_a_good_edge_passes_everything() -> None:
    assert {name: check.judge(GOOD).state for name, check in BY_NAME.items()} == dict.fromkeys(BY_NAME, State.PASS)


def test_without_an_edge_everything_is_skipped() -> None:
    assert {check.judge(NONE).state for check in EDGE_CHECKS} == {State.SKIP}
    assert "expose = false" in BY_NAME["edge"].judge(dataclasses.replace(NONE, exposed=False)).message


@pytest.mark.parametrize(
    ("name", "seen", "state", "words"),
    [
        ("edge", {"facts": facts(active=False, running="")}, State.FAIL, "HAProxy does not run"),
        ("edge", {"facts": facts(running="freehold-other")}, State.FAIL, "another configuration"),
        ("edge", {"facts": facts(enabled=False)}, State.FAIL, "does not start by itself"),
        ("edge", {"facts": facts(configuration="global\n")}, State.FAIL, "changed by somebody else"),
        ("edge", {"facts": facts(listeners={"443": ["nginx"]})}, State.FAIL, "nginx has port 443"),
        ("edge", {"problem": "edge.d/x.json cannot be used"}, State.FAIL, "x.json"),
        ("certificate", {"facts": facts(closed=False)}, State.FAIL, "others than root can read it"),
        ("certificate", {"facts": facts(certificates={})}, State.FAIL, "is not there"),
        ("certificate", {"facts": facts(pem=signed("a.example.com").pem)}, State.FAIL, "is for a.example.com"),
        ("certificate", {"facts": facts(pem=signed(HOST, ends=NOW + 20 * DAY).pem)}, State.WARN, "20 days"),
        ("certificate", {"facts": facts(pem=signed(HOST, ends=NOW + 22 * DAY).pem)}, State.PASS, "22 days"),
        ("certificate", {"facts": facts(pem=signed(HOST, begins=NOW - 9 * DAY, ends=NOW).pem)}, State.FAIL, "ended on"),
        ("redirect", {"plain": {HOST: Seen(200)}}, State.FAIL, "answers 200, and does not lead to HTTPS"),
        ("redirect", {"plain": {HOST: Seen(301, "https://other.example.com/")}}, State.FAIL, "does not lead"),
        ("redirect", {"plain": {HOST: Seen(problem="it cannot be reached")}}, State.FAIL, "cannot be reached"),
        ("redirect", {"plain": {}}, State.SKIP, ""),
        ("host name", {"resolved": {HOST: frozenset()}}, State.FAIL, f"{HOST} leads nowhere"),
        ("host name", {"resolved": {}, "fragments": (BLOG, SHOP)}, State.SKIP, ""),
        ("host name", {"resolved": {HOST: frozenset()}, "fragments": (BLOG, SHOP)}, State.FAIL, BOTH_NOWHERE),
        ("host name", {"resolved": {HOST: frozenset({"203.0.113.1"})}}, State.FAIL, "leads to 203.0.113.1, and not to"),
        ("host name", {"resolved": {}}, State.SKIP, ""),
        ("https", {"secure": {HOST: Seen(503)}}, State.FAIL, "answers 503"),
        ("https", {"secure": {HOST: Seen(526)}}, State.FAIL, "answers 526"),
        ("https", {"secure": {HOST: Seen(problem="its certificate is not trusted")}}, State.FAIL, "not trusted"),
        ("https", {"secure": {}}, State.SKIP, ""),
    ],
)
def test_what_each_check_finds(name: str, seen: dict[str, Any], state: State, words: str) -> None:
    verdict = BY_NAME[name].judge(dataclasses.replace(GOOD, **seen))
    assert verdict.state is state
    assert words in verdict.message


@pytest.mark.parametrize(
    ("address", "state"), [("104.16.1.1", State.PASS), ("2606:4700::1", State.PASS), (ADDRESS, State.FAIL)]
)
def test_behind_cloudflare_a_name_leads_to_cloudflare(address: str, state: State) -> None:
    seen = dataclasses.replace(sight(PROXIED), resolved={HOST: frozenset({address})})
    assert BY_NAME["host name"].judge(seen).state is state


@pytest.mark.parametrize(
    ("name", "there", "words"),
    [
        ("edge", facts(active=False), ["systemctl enable haproxy", "systemctl restart haproxy"]),
        ("edge", facts(running="x"), ["systemctl enable haproxy", "systemctl reload haproxy"]),
        ("edge", facts(configuration="global\n"), []),
        ("edge", facts(listeners={"80": ["nginx"]}), []),
        (
            "certificate", facts(closed=False),
            ["chown -R root:root /etc/freehold/tls", "chmod -R u=rwX,go= /etc/freehold/tls"],
        ),
        ("certificate", facts(), []),
    ],
)  # fmt: skip
def test_what_is_repaired(name: str, there: EdgeFacts, words: list[str]) -> None:
    repair = BY_NAME[name].repair(dataclasses.replace(GOOD, facts=there))
    commands = repair.commands if repair else ()
    assert [" ".join(command.argv) for command in commands] == words
    assert all(command.as_root for command in commands)


class Beyond:
    """`Outside`: what a table says."""

    async def resolve(self, name: str) -> frozenset[str]:
        return frozenset({ADDRESS})

    async def ask(self, host: str, address: str, *, secure: bool) -> Seen:
        return Seen(200) if secure else Seen(301, f"https://{host}/health")


async def test_it_is_looked_at_from_the_server_and_from_outside() -> None:
    host = FakeHost(scripts={"edge": lambda _: msgspec.to_builtins(facts())})
    seen = await examine_edge(host, ADDRESS, exposed=True, outside=Beyond())
    assert dataclasses.replace(seen, now=NOW) == dataclasses.replace(GOOD, facts=seen.facts)
    assert len(host.ran) == 1
    unseen = await examine_edge(host, "", exposed=True, outside=Beyond())
    assert (unseen.plain, unseen.resolved) == ({}, {})
    assert abs(seen.now - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
