"""Opens connections to the outside: looks a name up once, checks every address, dials a checked one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from aiohappyeyeballs import AddrInfoType, start_connection

from freehold.base.errors import Code, FreeholdError
from freehold.base.hosts import quoted
from freehold.egress import addresses, route
from freehold.egress.resolver import Endpoint, Resolver, SystemResolver

LOOKUP_TIMEOUT_S = 15.0
"""A little above the resolver's own limit of two tries of 5 s (resolv.conf(5)), whose answer says more."""
CONNECT_TIMEOUT_S = 15.0
_NEXT_ADDRESS_AFTER_S = 0.25
"""Connection attempt delay (RFC 8305 §5)."""
MOST_DIALLED = 3
"""Addresses of each family that one connection tries: where none answers, each has a socket open."""
_MOST_TOLD = 3


def why_never_dialled(address: str) -> str | None:
    """Why `address` is not dialled, by the tables and by the kernel's routes; None when it is."""
    return addresses.why_refused(address) or route.why_not_away(address)


class Dialer:
    """Dials by name. `why_refused` is the address policy; only tests give another."""

    def __init__(
        self,
        resolver: Resolver | None = None,
        why_refused: Callable[[str], str | None] = why_never_dialled,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        lookup_timeout_s: float = LOOKUP_TIMEOUT_S,
    ) -> None:
        self._resolver = resolver or SystemResolver()
        self._why_refused = why_refused
        self._connect_timeout_s = connect_timeout_s
        self._lookup_timeout_s = lookup_timeout_s

    async def dial(self, host: str, port: int) -> socket.socket:
        """A connected, non-blocking socket to one of the addresses of `host` that may be dialled.

        Raises `FreeholdError`: UNREACHABLE (no such name, nobody answers), TIMEOUT, DENIED (every address is refused).
        """
        endpoints = self._checked(host, await self._look_up(host, port))
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await start_connection(
                    [_address_info(endpoint) for endpoint in endpoints],
                    happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S,
                    interleave=1,
                )
        except TimeoutError:
            message = f"{quoted(host)} port {port} did not answer within {self._connect_timeout_s:.0f} s"
            raise FreeholdError(Code.TIMEOUT, message, "try again later") from None
        except OSError as error:
            message = f"{quoted(host)} port {port} cannot be reached: {error.strerror or error}"
            raise FreeholdError(Code.UNREACHABLE, message, "is the server up, and this host online?") from None

    def close(self) -> None:
        """Look nothing more up."""
        self._resolver.close()

    async def _look_up(self, host: str, port: int) -> Sequence[Endpoint]:
        try:
            async with asyncio.timeout(self._lookup_timeout_s):
                return await self._resolver.resolve(host, port)
        except TimeoutError:
            message = f"the address of {quoted(host)} was not found within {self._lookup_timeout_s:.0f} s"
            raise FreeholdError(Code.TIMEOUT, message, "does DNS work on this host?") from None

    def _checked(self, host: str, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
        """Those endpoints that may be dialled: a name with a public and a private address leads to the public one."""
        refusals = {endpoint: self._why_refused(endpoint.address) for endpoint in endpoints}
        checked = [endpoint for endpoint, reason in refusals.items() if reason is None]
        if checked:
            return _first_of_each_family(checked)
        told = "; ".join([f"{each.address} is {reason}" for each, reason in refusals.items()][:_MOST_TOLD])
        message = f"{quoted(host)} leads to no address that may be dialled: {told}"
        raise FreeholdError(Code.DENIED, message, "agents reach public addresses only, whatever the allow-list says")


def _first_of_each_family(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    left = dict.fromkeys({endpoint.family for endpoint in endpoints}, MOST_DIALLED)
    chosen = []
    for endpoint in endpoints:
        if left[endpoint.family]:
            left[endpoint.family] -= 1
            chosen.append(endpoint)
    return chosen


def _address_info(endpoint: Endpoint) -> AddrInfoType:
    return (endpoint.family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (endpoint.address, endpoint.port))
