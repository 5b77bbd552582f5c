"""What a project tells the edge of its server: one file in `/etc/freehold/edge.d/` (pure)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.hosts import normalise_host, quoted
from freehold.server.layout import Layout
from freehold.wire.decoding import decode_json

VERSION = 1
_PROJECT = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MOST_HOSTS = 100


class Fragment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`project` is its `server_name`, `port` where its gateway listens on 127.0.0.1, `hosts` its public names in their
    one spelling. Without `certificate` it is reached without TLS, and then for `/webhooks` and `/health` alone.

    `cloudflare`: visitors come through its proxy, whose `networks` alone are believed about a visitor's address.
    `only_cloudflare` keeps out whoever comes past it. `hsts` tells browsers to use HTTPS from now on: only where what
    they meet is a certificate that they trust.

    Raises `ValueError` with a sentence for what is none of these: all of it becomes configuration of HAProxy.
    """

    project: str
    port: int
    hosts: tuple[str, ...] = ()
    certificate: str | None = None
    cloudflare: bool = False
    networks: tuple[str, ...] = ()
    only_cloudflare: bool = False
    hsts: bool = False
    v: int = VERSION

    def __post_init__(self) -> None:
        if self.v != VERSION:
            raise ValueError(f"it has version {self.v}, and this freehold knows version {VERSION}")
        if not _PROJECT.fullmatch(self.project):
            raise ValueError(f"{quoted(self.project)} is no project's name on a server")
        if not 1 <= self.port <= 65535:
            raise ValueError(f"{self.port} is no port")
        if len(self.hosts) > _MOST_HOSTS:
            raise ValueError(f"a project has at most {_MOST_HOSTS} host names")
        if odd := [host for host in self.hosts if not _is_spelled_right(host)]:
            raise ValueError(f"{quoted(odd[0])} is no host name in its one spelling")
        if self.certificate not in (None, Layout(self.project).certificate):
            raise ValueError(f"its certificate must be {Layout(self.project).certificate}")
        if (self.certificate or self.cloudflare) and not self.hosts:
            raise ValueError("a certificate, and Cloudflare, are for host names, and it has none")
        for network in self.networks:
            if "%" in network:  # a scope, which may be any text
                raise ValueError(f"{quoted(network)} is no network")
            ipaddress.ip_network(network)


def written(fragment: Fragment) -> str:
    """The file's text, the same for the same fragment."""
    return msgspec.json.format(msgspec.json.encode(fragment), indent=2).decode() + "\n"


_DECODER = msgspec.json.Decoder(Fragment)


def read_fragments(texts: Mapping[str, str]) -> tuple[Fragment, ...]:
    """Those of a server, by the names of their files, sorted by project.

    Raises CONFIG for one that cannot be read: to go on without it would take that project off the air.
    """
    found = []
    for file, text in sorted(texts.items()):
        try:
            fragment = decode_json(text, _DECODER)
            if file != f"{fragment.project}.json":
                raise msgspec.ValidationError(f"it is about the project {fragment.project}")
        except msgspec.DecodeError as error:
            hint = (
                "A newer freehold may have written it: push with that one. Else push that project again, or remove it."
            )
            raise FreeholdError(Code.CONFIG, f"/etc/freehold/edge.d/{file} cannot be used: {error}", hint) from None
        found.append(fragment)
    return tuple(sorted(found, key=lambda one: one.project))


def require_apart(fragments: Sequence[Fragment]) -> None:
    """Raises CONFLICT unless each request can belong to one project only."""
    nameless = [one.project for one in fragments if not one.hosts]
    if nameless and len(fragments) > 1:
        more = len(nameless) > 1
        verb = "have" if more else "has"
        raise FreeholdError(
            Code.CONFLICT,
            f"this server has {len(fragments)} projects, and {' and '.join(nameless)} {verb} no host name: whose"
            " a request is could not be told",
            f"Give {'each of them' if more else nameless[0]} one, in its folder: freehold env https NAME HOSTNAME, and "
            "push it. NAME is its environment, of no other project (freehold env add USER@HOST --name NAME makes one); "
            "or set `expose = false` there, in [server].",
        )
    owners: dict[str | int, str] = {}
    for one in fragments:
        claims: tuple[str | int, ...] = (*one.hosts, one.port)
        for claim in claims:
            other = owners.setdefault(claim, one.project)
            if other != one.project:
                what = f"port {claim}" if isinstance(claim, int) else f"the host name {claim}"
                raise FreeholdError(
                    Code.CONFLICT,
                    f"{what} belongs to the project {other} on this server, and {one.project} wants it too",
                    "Choose another one, or take the other project off the server first.",
                )


def _is_spelled_right(host: str) -> bool:
    try:
        return normalise_host(host) == host
    except ValueError:
        return False
