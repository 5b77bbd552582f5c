"""Gathering what `edge_checks.py` judges by: one question to the server, and a look from outside beside it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from freehold.base.errors import FreeholdError
from freehold.deploy.edge_facts import EdgeFacts
from freehold.deploy.edge_part import ask_edge
from freehold.edge.fragment import Fragment
from freehold.hosts.host import Host

LOOK_WITHIN_S = 8.0


@dataclass(frozen=True)
class Seen:
    """What a request to a name was answered with; `problem` says why there is no answer, `location` where it leads."""

    status: int = 0
    location: str = ""
    problem: str = ""


@dataclass(frozen=True)
class EdgeSight:
    """`fragments` are those of the server that are looked at: of one project, or of all. `addresses` are the server's,
    `resolved` where each host name leads (nothing: nowhere). `plain` and `secure` are the answers to `/health`, at port
    80 of the server itself, and by HTTPS wherever the name leads."""

    facts: EdgeFacts
    fragments: tuple[Fragment, ...] = ()
    problem: str = ""
    exposed: bool = True
    addresses: frozenset[str] = frozenset()
    resolved: Mapping[str, frozenset[str]] = field(default_factory=dict)
    plain: Mapping[str, Seen] = field(default_factory=dict)
    secure: Mapping[str, Seen] = field(default_factory=dict)
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


class Outside(Protocol):
    """How things look from this machine."""

    async def resolve(self, name: str) -> frozenset[str]:
        """The addresses of a name; nothing when it has none."""
        ...

    async def ask(self, host: str, address: str, *, secure: bool) -> Seen:
        """`GET /health` of a host at an address (that of its name when empty)."""
        ...


async def examine_edge(host: Host, address: str, *, exposed: bool, outside: Outside | None = None) -> EdgeSight:
    """`address` is the server's, or its name; empty when it cannot be reached but through others: then nothing is
    looked at from outside. Raises what the host raises."""
    facts = await ask_edge(host)
    try:
        fragments, problem = facts.read_fragments(), ""
    except FreeholdError as error:
        fragments, problem = (), error.message
    sight = EdgeSight(facts, fragments, problem, exposed)
    return await _look(sight, address, outside or FromHere()) if address and fragments else sight


async def _look(sight: EdgeSight, address: str, outside: Outside) -> EdgeSight:
    hosts = [host for one in sight.fragments for host in one.hosts]
    secure = [host for one in sight.fragments if one.certificate for host in one.hosts]
    server, *found = await asyncio.gather(outside.resolve(address), *(outside.resolve(host) for host in hosts))
    plain = await asyncio.gather(*(outside.ask(host, address, secure=False) for host in hosts))
    resolved = dict(zip(hosts, found, strict=True))
    led = [host for host in secure if resolved[host]]
    seen = await asyncio.gather(*(outside.ask(host, "", secure=True) for host in led))
    return EdgeSight(
        sight.facts, sight.fragments, sight.problem, sight.exposed, server, resolved,
        dict(zip(hosts, plain, strict=True)), dict(zip(led, seen, strict=True)), sight.now,
    )  # fmt: skip


class FromHere:
    """`Outside`, by this machine's own resolver, and the authorities that it trusts."""

    async def resolve(self, name: str) -> frozenset[str]:
        try:
            async with asyncio.timeout(LOOK_WITHIN_S):
                found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError):
            return frozenset()
        return frozenset(str(ipaddress.ip_address(str(one[4][0]).partition("%")[0])) for one in found)

    async def ask(self, host: str, address: str, *, secure: bool) -> Seen:
        try:
            async with asyncio.timeout(LOOK_WITHIN_S):
                return await _ask(host, address or host, secure=secure)
        except ssl.SSLCertVerificationError as error:
            return Seen(problem=f"its certificate is not trusted: {error.verify_message}")
        except TimeoutError:
            return Seen(problem="it does not answer in time")
        except OSError as error:
            return Seen(problem=f"it cannot be reached: {error.strerror or error}")
        except ValueError as error:
            return Seen(problem=f"it cannot be reached: {error}")


async def _ask(host: str, address: str, *, secure: bool) -> Seen:
    tls = {"ssl": ssl.create_default_context(), "server_hostname": host} if secure else {}
    reader, writer = await asyncio.open_connection(address, 443 if secure else 80, **tls)  # type: ignore[arg-type]
    try:
        writer.write(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        first = (await reader.readline()).split()
        if len(first) < 2 or not first[1].isdigit():
            return Seen(problem="it answers no HTTP")
        location = ""
        while (line := (await reader.readline()).strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"location":
                location = value.strip().decode(errors="replace")
        return Seen(int(first[1]), location)
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
