"""HAProxy's configuration: what fragments make of it, and what they cannot make of it."""

from __future__ import annotations

import contextlib
import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.base.errors import FreeholdError
from freehold.edge.cloudflare_networks import NETWORKS
from freehold.edge.fragment import Fragment
from freehold.edge.haproxy_config import MOST_CERTIFICATES, Machine, configuration, mark_of
from freehold.edge.limits import MOST_CONNECTIONS, USUAL
from freehold.server.layout import Layout

DIGESTS = Machine(certificates={"shop": "aa", "own": "bb"})
SHOP = Fragment(
    project="shop", port=8080, hosts=("shop.example.com", "www.example.com"), cloudflare=True, hsts=True,
    certificate=Layout("shop").certificate,
)  # fmt: skip
OWN = Fragment(project="own", port=8081, hosts=("own.example.com",), certificate=Layout("own").certificate)
BLOG = Fragment(project="blog", port=8082, hosts=("blog.example.com",))


def section(text: str, name: str) -> list[str]:
    """The lines of a section, without what is before the words."""
    found = re.search(rf"^{name}\n((?:    .*\n)+)", text, re.MULTILINE)
    assert found, name
    return [line.strip() for line in found[1].splitlines()]


def test_a_project_alone_and_without_a_name_has_deliveries_and_health() -> None:
    text = configuration([Fragment(project="shop", port=8080)], Machine())
    plain = section(text, "frontend plain")
    assert plain[:2] == ["bind 0.0.0.0:80", "bind [::]:80 v6only"]
    assert "acl for_shop always_true" in plain
    assert any(line.startswith("http-request return status 403") and line.endswith("unless anybodys") for line in plain)
    assert "frontend secure" not in text
    assert "status 421" not in text


def test_a_certificate_opens_443_and_leads_80_there() -> None:
    text = configuration([OWN], DIGESTS)
    secure, plain = section(text, "frontend secure"), section(text, "frontend plain")
    assert secure[0] == "bind 0.0.0.0:443 ssl strict-sni alpn h2,http/1.1 crt /etc/freehold/tls/own.pem"
    assert [line for line in plain if "redirect" in line] == [
        "http-request redirect code 301 location https://%[var(txn.host)]%[pathq] if for_own asks_only",
        "http-request redirect code 308 location https://%[var(txn.host)]%[pathq] if for_own",
    ]
    assert not [line for line in plain if line.startswith("use_backend")]
    assert "strict-transport-security" not in text
    assert "cloudflare_" not in text


def test_of_several_each_has_its_own() -> None:
    text = configuration([SHOP, OWN, BLOG], DIGESTS)
    secure, plain = section(text, "frontend secure"), section(text, "frontend plain")
    assert "use_backend project_own_reading if for_own asks_only" in secure
    assert "use_backend project_blog if for_blog" in plain
    assert "project_blog" not in "\n".join(secure)
    hsts = [line for line in secure if "strict-transport-security" in line]
    assert hsts == [
        "http-after-response set-header strict-transport-security max-age=15552000 if { var(txn.project) -m str shop }"
    ]
    assert section(text, "backend project_own")[-1] == "server gateway 127.0.0.1:8081 maxconn 2000"


def test_what_is_asked_once_goes_over_a_connection_of_its_own() -> None:
    text = configuration([OWN], DIGESTS)
    assert section(text, "backend project_own")[:2] == ["option http-server-close", "retry-on conn-failure"]
    assert "retry-on conn-failure empty-response" in section(text, "backend project_own_reading")


def test_only_cloudflares_word_about_a_visitor_counts_and_only_for_names_behind_it() -> None:
    secure = section(configuration([SHOP, OWN], DIGESTS), "frontend secure")
    known = " ".join(line.removeprefix("acl cloudflare_1 src ") for line in secure if "acl cloudflare_1" in line)
    assert set(known.split()) == set(NETWORKS)
    assert "acl behind_cloudflare_1 var(txn.host) -m str shop.example.com www.example.com" in secure
    client = [line for line in secure if "set-var(txn.client)" in line]
    assert client[0] == "http-request set-var(txn.client) src"
    assert "if behind_cloudflare_1 cloudflare_1 {" in client[1]
    forwarded = [line for line in secure if "x-forwarded-for" in line]
    assert forwarded == [
        "http-request del-header x-forwarded-for", "http-request set-header x-forwarded-for %[var(txn.client)]",
    ]  # fmt: skip
    assert secure.index(client[1]) < secure.index("http-request del-header cf-connecting-ip")


def test_networks_that_one_project_names_are_believed_for_its_names_alone() -> None:
    import msgspec

    odd = msgspec.structs.replace(OWN, cloudflare=True, networks=("0.0.0.0/0", "198.51.100.0/24"), only_cloudflare=True)
    alike = msgspec.structs.replace(BLOG, cloudflare=True)
    secure = section(configuration([SHOP, odd, alike], DIGESTS), "frontend secure")
    assert "acl cloudflare_1 src 0.0.0.0/0 198.51.100.0/24" in secure
    assert "acl behind_cloudflare_1 var(txn.host) -m str own.example.com" in secure
    believed = [line for line in secure if "set-var(txn.client) req" in line]
    assert [line.split()[4:6] for line in believed] == [
        ["behind_cloudflare_1", "cloudflare_1"], ["behind_cloudflare_2", "cloudflare_2"],
    ]  # fmt: skip
    assert "acl behind_cloudflare_2 var(txn.host) -m str shop.example.com www.example.com" in secure
    (locked,) = (line for line in secure if "through Cloudflare alone" in line)
    assert locked.endswith("if for_own !cloudflare_1 !from_here")
    plain = section(configuration([SHOP, odd, alike], DIGESTS), "frontend plain")
    named = "blog.example.com shop.example.com www.example.com"
    assert [line for line in plain if line.startswith("acl behind_cloudflare_2 ")] == [
        f"acl behind_cloudflare_2 var(txn.host) -m str {named}"
    ]


def test_no_address_and_no_network_has_all_connections() -> None:
    secure = section(configuration([OWN], DIGESTS), "frontend secure")
    for_all = [line for line in secure if line.startswith("tcp-request connection")]
    assert for_all == [
        "tcp-request connection track-sc2 src,ipmask(32,64) table connected unless from_here",
        "tcp-request connection track-sc1 src,ipmask(24,48) table neighbours unless from_here",
        "tcp-request connection reject if { sc2_conn_cur(connected) gt 500 }",
        "tcp-request connection reject if { sc2_conn_rate(connected) gt 5000 }",
        "tcp-request connection reject if { sc1_conn_cur(neighbours) gt 1000 }",
    ]
    assert USUAL.connections < USUAL.neighbours <= MOST_CONNECTIONS // 4


def test_a_lock_lets_cloudflare_and_the_server_itself_through() -> None:
    import msgspec

    locked = msgspec.structs.replace(SHOP, only_cloudflare=True, networks=("198.51.100.0/24",))
    secure = section(configuration([locked, OWN], DIGESTS), "frontend secure")
    refusals = [line for line in secure if "through Cloudflare alone" in line]
    assert len(refusals) == 1
    assert refusals[0].endswith("if for_shop !cloudflare_1 !from_here")


def test_another_certificate_is_another_text_and_the_order_of_projects_is_none() -> None:
    first = configuration([SHOP, OWN], DIGESTS)
    assert first == configuration([OWN, SHOP], DIGESTS)
    assert first != configuration([SHOP, OWN], Machine(certificates={"shop": "cc", "own": "bb"}))
    assert mark_of(first) != mark_of(configuration([SHOP], DIGESTS))


@pytest.mark.parametrize(
    ("old", "new"), [("8081", "8088"), ("maxconn 4000", "maxconn 9"), ("\n\n", "\n\n\n"), ("# W", "W")]
)
def test_what_was_edited_is_not_ours_any_more(old: str, new: str) -> None:
    text = configuration([SHOP, OWN], DIGESTS)
    assert mark_of(text)
    assert old in text
    assert mark_of(text.replace(old, new, 1)) == ""
    assert mark_of("") == ""


def test_without_ipv6_nothing_listens_there() -> None:
    assert "[::]" not in configuration([OWN], Machine(ipv6=False, certificates={"own": "bb"}))


def test_more_certificates_than_a_line_holds_are_refused() -> None:
    many = [
        Fragment(project=f"p{number}", port=9000 + number, hosts=(f"p{number}.example.com",),
                 certificate=Layout(f"p{number}").certificate)
        for number in range(MOST_CERTIFICATES + 1)
    ]  # fmt: skip
    digests = Machine(certificates={one.project: "aa" for one in many})
    text = configuration(many[:-1], digests)
    assert max(len(line.split()) for line in text.splitlines() if " string " not in line) <= 64
    with pytest.raises(FreeholdError, match="at most 25"):
        configuration(many, digests)


HOSTILE = st.text(alphabet=string.printable + "\0ä\u2028", max_size=40)
LEGAL_HOSTS = st.lists(
    st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?\.example\.com", fullmatch=True), max_size=30, unique=True
)


LEGAL_NETWORKS = st.lists(st.ip_addresses().map(lambda one: f"{one}/{one.max_prefixlen}"), max_size=30, unique=True)


@settings(deadline=None)
@given(
    project=HOSTILE | st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True),
    port=st.integers(1, 65_535) | st.integers(-10, 70_000),
    hosts=st.lists(HOSTILE, max_size=3) | LEGAL_HOSTS,
    networks=st.lists(HOSTILE | HOSTILE.map("fe80::%{}/128".format), max_size=2) | LEGAL_NETWORKS,
    flags=st.integers(0, 15),
)  # fmt: skip
def test_no_value_makes_a_directive(project: str, port: int, hosts: list[str], networks: list[str], flags: int) -> None:
    """Whatever a fragment accepts, the text has the lines that an ordinary fragment of the same kind has."""
    certificate = f"/etc/freehold/tls/{project}.pem" if flags & 1 else None
    with contextlib.suppress(ValueError):
        fragment = Fragment(
            project=project, port=port, hosts=tuple(hosts), certificate=certificate, networks=tuple(networks),
            cloudflare=bool(flags & 2), hsts=bool(flags & 4), only_cloudflare=bool(flags & 8),
        )  # fmt: skip
        ordinary = Fragment(
            project="shop", port=8080, hosts=tuple(f"h{number}.example.com" for number in range(len(hosts))),
            certificate="/etc/freehold/tls/shop.pem" if certificate else None, cloudflare=fragment.cloudflare,
            networks=tuple(f"10.0.{number}.0/24" for number in range(len(set(networks)))), hsts=fragment.hsts,
            only_cloudflare=fragment.only_cloudflare,
        )  # fmt: skip
        text = configuration([fragment], Machine(certificates={project: "aa"}))
        expected = configuration([ordinary], Machine(certificates={"shop": "aa"}))
        assert [line.split()[:2] for line in _shape(text)] == [line.split()[:2] for line in _shape(expected)]
        assert text.isascii()
        assert not set(text) & set("\0\r\t")


def _shape(text: str) -> list[str]:
    """The lines, without what they say of the project."""
    lines = [
        re.sub(r"project_\S+|for_\S+|certificate of \S+|freehold-\w+|# Written.*", "x", line)
        for line in text.split("\n")
    ]
    return [line for line in lines if line]
