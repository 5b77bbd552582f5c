"""Whose a request is, who asks, how much they may ask, and how a project's gateway is asked (pure)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from freehold.edge.cloudflare_networks import NETWORKS
from freehold.edge.fragment import Fragment
from freehold.edge.limits import HSTS_S, MOST_AT_A_GATEWAY, Limits
from freehold.edge.pages import refusal

_IN_A_LINE = 10
_BUSY = refusal(
    429, "rate_limited", "too many requests from this address", "Try again in ten seconds.", ("retry-after", "10")
)
_UNKNOWN = refusal(421, "misdirected", "no project of this server has this name", "")
_UNCERTIFIED = refusal(
    403, "denied", "without HTTPS only /webhooks/ and /health are served", "`freehold env https` gives a server HTTPS."
)
_LOCKED = refusal(403, "denied", "this name is reached through Cloudflare alone", "")
_TWO_NAMES = refusal(400, "usage", "the request names two hosts, or none", "")
_NOT_FROM_OUTSIDE = (
    "forwarded", "proxy", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix",
    "x-forwarded-server", "x-original-url", "x-real-ip", "x-rewrite-url", "true-client-ip", "cf-connecting-ip",
    "cf-connecting-ipv6", "cf-pseudo-ipv4",
)  # fmt: skip
"""Headers by which others tell servers who asks, and for what: what a visitor wrote there is not handed on."""


def plain_rules(fragments: Sequence[Fragment], limits: Limits) -> list[str]:
    """Port 80: to HTTPS where there is a certificate, else deliveries and health alone."""
    lines = [*_connections(fragments, limits), *_who_asks(fragments, "http"), *_names(fragments)]
    secure = [one for one in fragments if one.certificate]
    where = "location https://%[var(txn.host)]%[pathq]"
    for one in secure:
        lines.append(f"http-request redirect code 301 {where} if for_{one.project} asks_only")
        lines.append(f"http-request redirect code 308 {where} if for_{one.project}")
    lines += [f"http-request {_UNKNOWN} if {_none_of(fragments)}"] if _all_named(fragments) else []
    lines += [f"http-request {_UNCERTIFIED} unless anybodys"]
    lines += [*_how_much(limits), *_where([one for one in fragments if not one.certificate])]
    return _section(lines)


def secure_rules(fragments: Sequence[Fragment], limits: Limits) -> list[str]:
    """Port 443, for the fragments that have a certificate."""
    lines = [*_connections(fragments, limits), *_who_asks(fragments, "https"), *_names(fragments)]
    lines += [f"http-request {_UNKNOWN} if {_none_of(fragments)}"]
    lines += [
        f"http-request {_LOCKED} if for_{one.project} !{_proxy_of(one, fragments)} !from_here"
        for one in fragments
        if one.cloudflare and one.only_cloudflare
    ]
    lines += [*_how_much(limits), *_where(fragments)]
    lines += [
        f"http-after-response set-header strict-transport-security max-age={HSTS_S}"
        f" if {{ var(txn.project) -m str {one.project} }}"
        for one in fragments
        if one.hsts
    ]
    return _section(lines)


def backend_of(project: str) -> str:
    """What HAProxy calls it, also in its figures. No project's name has an underscore."""
    return f"project_{project}"


def backends(fragments: Sequence[Fragment]) -> list[str]:
    """Two for each project. What may be asked twice is: its connections are kept, and a gateway that went away under it
    is asked again. All else goes once, over a connection of its own: one that was kept could be closed under it.
    """
    found = []
    for one in fragments:
        server = f"server gateway 127.0.0.1:{one.port} maxconn {MOST_AT_A_GATEWAY}"
        found += [f"backend {backend_of(one.project)}", "    option http-server-close", "    retry-on conn-failure"]
        found += [f"    {server}", ""]
        found += [f"backend {backend_of(one.project)}_reading", "    http-reuse safe"]
        found += ["    retry-on conn-failure empty-response", f"    {server}", ""]
    return found


def _connections(fragments: Sequence[Fragment], limits: Limits) -> Iterator[str]:
    """Before a word was said. Cloudflare's connections are of many visitors, whose requests are counted; for which name
    they come is not known yet."""
    # The path without what follows it: secrets may stand there.
    yield 'log-format "%[var(txn.client)] %ft %b %HM %{+Q}[var(txn.path)] %ST %B bytes %Ta ms %ts"'
    yield "acl from_here src 127.0.0.0/8 ::1"
    others = ["from_here"]
    for name, networks in _proxies(fragments).items():
        for piece in _pieces(networks):
            yield f"acl {name} src {piece}"
        others.append(name)
    counted = f"unless {' or '.join(others)}"
    yield f"tcp-request connection track-sc2 src,ipmask(32,64) table connected {counted}"
    yield f"tcp-request connection track-sc1 src,ipmask(24,48) table neighbours {counted}"
    yield f"tcp-request connection reject if {{ sc2_conn_cur(connected) gt {limits.connections} }}"
    yield f"tcp-request connection reject if {{ sc2_conn_rate(connected) gt {limits.new_connections} }}"
    yield f"tcp-request connection reject if {{ sc1_conn_cur(neighbours) gt {limits.neighbours} }}"


def _who_asks(fragments: Sequence[Fragment], scheme: str) -> Iterator[str]:
    """The client's address as we know it; what the request says of it is overwritten."""
    yield "http-request set-var(txn.client) src"
    yield "http-request set-var(txn.host) req.hdr(host),field(1,:),lower"
    yield "http-request set-var(txn.path) path"
    yield "http-request set-var(txn.path) str(/answer/) if { path_beg /answer/ }"
    yield f"http-request {_TWO_NAMES} unless {{ req.hdr_cnt(host) eq 1 }}"
    told = "{ req.hdr_ip(cf-connecting-ip,1) -m found } { req.hdr_cnt(cf-connecting-ip) eq 1 }"
    for name in _proxies(fragments):
        for piece in _pieces([host for one in fragments if _proxy_of(one, fragments) == name for host in one.hosts]):
            yield f"acl behind_{name} var(txn.host) -m str {piece}"
        yield f"http-request set-var(txn.client) req.hdr_ip(cf-connecting-ip,1) if behind_{name} {name} {told}"
    for name in _NOT_FROM_OUTSIDE:
        yield f"http-request del-header {name}"
    yield "http-request set-header x-forwarded-for %[var(txn.client)]"
    yield f"http-request set-header x-forwarded-proto {scheme}"


def _names(fragments: Sequence[Fragment]) -> Iterator[str]:
    yield "acl asks_only method GET HEAD"
    # What anybody may ask, without TLS, too: deliveries prove themselves, and health tells strangers next to nothing.
    yield "acl anybodys path_beg /webhooks/"
    yield "acl anybodys path /health"
    for one in fragments:
        for piece in _pieces(one.hosts):
            yield f"acl for_{one.project} var(txn.host) -m str {piece}"
        if not one.hosts:
            yield f"acl for_{one.project} always_true"
        yield f"http-request set-var(txn.project) str({one.project}) if for_{one.project}"


def _how_much(limits: Limits) -> Iterator[str]:
    """A request is counted in one of the two tables. There are three counters, and the connection has two of them."""
    client = "var(txn.client),ipmask(32,64)"
    yield f"http-request track-sc0 {client} table delivered if anybodys !from_here"
    yield f"http-request track-sc0 {client} table asked unless from_here or anybodys"
    yield f"http-request {_BUSY} if !anybodys {{ sc0_http_req_rate(asked) gt {limits.requests} }}"
    yield f"http-request {_BUSY} if anybodys {{ sc0_http_req_rate(delivered) gt {limits.deliveries} }}"


def _where(fragments: Sequence[Fragment]) -> Iterator[str]:
    for one in fragments:
        yield f"use_backend {backend_of(one.project)}_reading if for_{one.project} asks_only"
        yield f"use_backend {backend_of(one.project)} if for_{one.project}"


def _proxies(fragments: Sequence[Fragment]) -> dict[str, list[str]]:
    """Cloudflare's networks, as each project says them, under a name for those who say the same: nobody else's names
    are asked through what one of them says."""
    told = sorted({_networks(one) for one in fragments if one.cloudflare})
    return {f"cloudflare_{number}": list(networks) for number, networks in enumerate(told, 1)}


def _proxy_of(fragment: Fragment, fragments: Sequence[Fragment]) -> str:
    """Which of `_proxies` the project is behind; empty for none."""
    mine = list(_networks(fragment))
    found = (name for name, networks in _proxies(fragments).items() if networks == mine)
    return next(found, "") if fragment.cloudflare else ""


def _networks(fragment: Fragment) -> tuple[str, ...]:
    known = {ipaddress.ip_network(each) for each in fragment.networks or NETWORKS}
    return tuple(str(each) for each in sorted(known, key=lambda one: (one.version, one)))


def _all_named(fragments: Sequence[Fragment]) -> bool:
    return all(one.hosts for one in fragments)


def _none_of(fragments: Sequence[Fragment]) -> str:
    return " ".join(f"!for_{one.project}" for one in fragments)


def _pieces(words: Sequence[str]) -> Iterator[str]:
    """Lines have a bound of 64 words; an `acl` that is written several times is any of them."""
    for start in range(0, len(words), _IN_A_LINE):
        yield " ".join(words[start : start + _IN_A_LINE])


def _section(lines: Sequence[str]) -> list[str]:
    return [*(f"    {line}" for line in lines), ""]
