"""The edge's share of a push: a table of what is there, what is wanted, and what is done."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.deploy.edge_facts import OURS, EdgeFacts, ServedCertificate, read_edge_facts
from freehold.deploy.edge_part import EdgePart, GivenCertificate, refresh_edge
from freehold.deploy.edge_wanted import fragment_of
from freehold.deploy.remote import program_text
from freehold.edge.fragment import Fragment, written
from freehold.edge.haproxy_config import configuration, mark_of
from freehold.hosts.fake_host import FakeHost
from freehold.project.environments import Environment, environment_of
from freehold.project.problems import Problems
from freehold.server.layout import Layout
from tests.support.edge_certificates import NOW, signed

HOST = "shop.example.com"
PLAIN = Fragment(project="shop", port=8080)
SECURE = Fragment(project="shop", port=8080, hosts=(HOST,), certificate=Layout("shop").certificate)
BLOG = Fragment(project="blog", port=8081, hosts=("blog.example.com",))
GOOD = signed(HOST)
STOCK = EdgeFacts(haproxy="2.6.12", configuration="global\n", stock=True)
TAKEN = [
    "write /etc/freehold/edge.d/shop.json", "write /etc/haproxy/haproxy.cfg",
    "start haproxy.service at each start of the server", "start haproxy.service",
]  # fmt: skip


def serving(*fragments: Fragment, **certificates: str) -> EdgeFacts:
    """A server on which all of it is as it should be."""
    served = {name: ServedCertificate(pem, True) for name, pem in certificates.items()}
    there = msgspec.structs.replace(STOCK, active=True, enabled=True, stock=False, certificates=served)
    text = configuration(fragments, there.machine())
    files = {f"{one.project}.json": written(one) for one in fragments}
    listeners = {"80": ["haproxy"], "443": ["haproxy"]}
    return msgspec.structs.replace(
        there, fragments=files, configuration=text, running=OURS + mark_of(text), listeners=listeners
    )


def plan(there: EdgeFacts, wanted: Fragment | None, **more: Any) -> list[str]:
    part = EdgePart("shop", wanted, now=NOW, **more)
    return [change.what for change in part.plan(msgspec.Raw(msgspec.json.encode(there)))]


def replaced(there: EdgeFacts, **values: Any) -> EdgeFacts:
    return msgspec.structs.replace(there, **values)


ALONE = serving(PLAIN)
BOTH = serving(SECURE, BLOG, shop=GOOD.pem)
BACK = "put haproxy.service back to what it was before the first project came"
RELOAD = ["reload haproxy.service"]


@pytest.mark.parametrize(
    ("there", "wanted", "done"),
    [
        (STOCK, PLAIN, TAKEN),
        (STOCK, None, []),
        (ALONE, PLAIN, []),
        (BOTH, SECURE, []),
        (replaced(ALONE, running=""), PLAIN, RELOAD),
        (replaced(ALONE, running="freehold-of-before"), PLAIN, RELOAD),
        (replaced(ALONE, active=False, running=""), PLAIN, ["start haproxy.service"]),
        (replaced(ALONE, enabled=False), PLAIN, [TAKEN[2], *RELOAD]),
        (replaced(ALONE, fragments={}), PLAIN, [TAKEN[0], *RELOAD]),
        (replaced(ALONE, configuration=None, stock=True), PLAIN, [TAKEN[1], *RELOAD]),
        (serving(BLOG), msgspec.structs.replace(BLOG, project="shop", port=9, hosts=(HOST,)), [*TAKEN[:2], *RELOAD]),
        (
            ALONE, None,
            ["remove /etc/freehold/edge.d/shop.json", BACK],
        ),
        (
            BOTH, None,
            ["remove /etc/freehold/edge.d/shop.json", "remove /etc/freehold/tls/shop.pem", TAKEN[1], *RELOAD],
        ),
        (
            replaced(ALONE, fragments={}), None,
            [BACK],
        ),
    ],
)  # fmt: skip
def test_what_is_done(there: EdgeFacts, wanted: Fragment | None, done: list[str]) -> None:
    assert plan(there, wanted) == done


@pytest.mark.parametrize(
    ("there", "wanted", "code", "words"),
    [
        (replaced(STOCK, haproxy=""), PLAIN, Code.CONFIG, "no HAProxy"),
        (replaced(STOCK, haproxy="2.4.22"), PLAIN, Code.CONFIG, "2.4.22 is older than 2.6"),
        (replaced(STOCK, listeners={"80": ["nginx"]}), PLAIN, Code.CONFLICT, "port 80 of the server belongs to nginx"),
        (
            replaced(STOCK, listeners={"443": ["caddy"]}),
            PLAIN,
            Code.CONFLICT,
            "port 443 of the server belongs to caddy",
        ),
        (replaced(STOCK, stock=False), PLAIN, Code.CONFLICT, "written by somebody else"),
        (replaced(ALONE, configuration=f"{ALONE.configuration}# mine\n"), PLAIN, Code.CONFLICT, "edited by hand"),
        (serving(BLOG), PLAIN, Code.CONFLICT, "shop has no host name"),
        (STOCK, SECURE, Code.CREDENTIAL, "no certificate for shop.example.com"),
        (serving(SECURE, shop=signed("a.example.com").pem), SECURE, Code.CREDENTIAL, "is for a.example.com"),
        (replaced(STOCK, fragments={"blog.json": "{"}), PLAIN, Code.CONFIG, "edge.d/blog.json cannot be used"),
    ],
)
def test_what_is_refused_before_anything_is_changed(there: EdgeFacts, wanted: Fragment, code: Code, words: str) -> None:
    with pytest.raises(FreeholdError, match=words) as raised:
        plan(there, wanted)
    assert raised.value.code is code
    assert raised.value.hint


def test_somebody_elses_configuration_is_replaced_when_that_is_agreed() -> None:
    there = replaced(STOCK, stock=False, active=True, enabled=True)
    changes = EdgePart("shop", PLAIN, take_over=True).plan_by(there)
    assert [change.what for change in changes] == [*TAKEN[:2], *RELOAD]
    assert changes[-1].document["keep"] is True


def test_a_certificate_of_ones_own_is_shown_and_its_key_is_not() -> None:
    given = GivenCertificate(GOOD.pem, GOOD.key_pem)
    changes = EdgePart("shop", SECURE, given=given, now=NOW).plan_by(STOCK)
    assert [change.what for change in changes] == [TAKEN[0], "write /etc/freehold/tls/shop.pem", *TAKEN[1:]]
    assert changes[1].detail == ("for shop.example.com", "until 2027-02-19, by shop.example.com")
    assert "PRIVATE KEY" in changes[-1].document["certificate"]
    assert "PRIVATE KEY" not in "".join(repr(change) + "".join(change.detail) for change in changes)
    # There already: nothing to do.
    assert plan(serving(SECURE, shop=GOOD.pem), SECURE, given=given) == []


def test_a_certificate_that_ends_soon_is_said_and_a_wrong_one_refused() -> None:
    import datetime as dt

    soon = signed(HOST, ends=NOW + dt.timedelta(days=20))
    changes = EdgePart("shop", SECURE, given=GivenCertificate(soon.pem, soon.key_pem), now=NOW).plan_by(STOCK)
    assert changes[1].detail[-1] == "it ends within 21 days"
    with pytest.raises(FreeholdError, match="the key is not the certificate's"):
        plan(STOCK, SECURE, given=GivenCertificate(soon.pem, GOOD.key_pem))
    with pytest.raises(FreeholdError, match="cannot be read"):
        plan(STOCK, SECURE, given=GivenCertificate(GOOD.pem, Secret("-")))


async def test_a_plan_that_others_overtook_is_made_anew() -> None:
    """The server says that it is not as it was seen; what it is now is asked, and planned by."""
    seen: list[Any] = []

    def edge(document: Any) -> object:
        if "project" not in document:
            return json.loads(msgspec.json.encode(serving(BLOG)))
        seen.append(document)
        return {"stale": len(seen) == 1}

    host = FakeHost(scripts={"edge": edge})
    part = EdgePart("shop", msgspec.structs.replace(PLAIN, hosts=(HOST,)), now=NOW)
    await part.carry_out(host, part.plan_by(STOCK))
    assert "project_blog" not in seen[0]["configuration"]
    assert "project_blog" in seen[1]["configuration"]
    assert seen[1]["seen"] == serving(BLOG).seen()


async def test_a_new_certificate_is_taken_into_service() -> None:
    asked: list[Any] = []
    there = replaced(BOTH, certificates={"shop": ServedCertificate(signed(HOST).pem, True)})

    def edge(document: Any) -> object:
        asked.append(document)
        return {"stale": False} if "project" in document else json.loads(msgspec.json.encode(there))

    await refresh_edge(FakeHost(scripts={"edge": edge}))
    assert asked[1]["configuration"] != BOTH.configuration
    assert asked[1]["certificate"] is None


def test_both_sides_tell_what_was_seen_alike() -> None:
    room: dict[str, Any] = {"__name__": "script", "Refused": RuntimeError}
    exec(compile(program_text("edge"), "edge", "exec"), room)
    assert room["seen"](json.loads(msgspec.json.encode(BOTH))) == BOTH.seen()


def test_an_answer_that_is_none_is_an_error() -> None:
    with pytest.raises(FreeholdError) as raised:
        read_edge_facts(b'{"haproxy": 3}')
    assert raised.value.code is Code.PROTOCOL


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ({}, PLAIN),
        ({"server": {"expose": False}}, None),
        ({"server": {"hostname": HOST}}, SECURE),
        ({"server": {"hostname": HOST, "cloudflareZoneId": "z"}}, {"cloudflare": True}),
        ({"provision": {"certificate": "cloudflare", "sslMode": "zone"}}, {"cloudflare": True, "hsts": True}),
        ({"provision": {"certificate": "cloudflare", "sslMode": "leave"}}, {"cloudflare": True}),
        ({"provision": {"certificate": "own"}, "server": {"hostname": HOST, "cloudflareZoneId": "z"}}, {}),
        ({"provision": {"project": "shop"}}, {}),
        ({"server": {"hostname": "Shop.Example.com."}}, {}),
        (
            {
                "server": {
                    "hostname": HOST,
                    "cloudflareZoneId": "z",
                    "onlyCloudflare": True,
                    "proxyNetworks": ["192.0.2.0/24"],
                }
            },
            {"cloudflare": True, "only_cloudflare": True, "networks": ("192.0.2.0/24",)},
        ),
        ({"server": {"hostname": HOST, "onlyCloudflare": True, "proxyNetworks": ["192.0.2.0/24"]}}, {}),
        ({"provision": {"project": "blog"}}, PLAIN),
    ],
)
def test_what_an_environment_says(table: dict[str, dict[str, Any]], wanted: Fragment | dict[str, Any] | None) -> None:
    expected = msgspec.structs.replace(SECURE, **wanted) if isinstance(wanted, dict) else wanted
    assert fragment_of(environment(table), Layout("shop"), 8080) == expected


def test_a_network_that_is_none_is_said_with_its_place() -> None:
    server = {"hostname": HOST, "proxyNetworks": ["all"], "cloudflareZoneId": "z"}
    with pytest.raises(FreeholdError) as raised:
        fragment_of(environment({"server": server}), Layout("shop"), 8080)
    assert raised.value.code is Code.CONFIG
    assert "box.toml: [server]" in raised.value.message


def environment(table: dict[str, dict[str, Any]]) -> Environment:
    server = {"host": "198.51.100.7", **table.get("server", {"hostname": HOST} if table else {})}
    whole: dict[str, Any] = {"server": server}
    if "provision" in table:
        whole["provision"] = {"installation": "abcd", **table["provision"]}
    problems = Problems()
    found = environment_of("box", whole, "box.toml", problems)
    problems.raise_errors()
    return found
