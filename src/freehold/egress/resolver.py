"""Names to addresses: a seam, so that tests can lie as a hostile name server would."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from freehold.base.errors import Code, FreeholdError
from freehold.base.hosts import quoted

_LOOKUPS_AT_ONCE = 8
"""Threads for `getaddrinfo`, apart from the loop's own: a name server that hangs must not stop file work."""


@dataclass(frozen=True)
class Endpoint:
    """Somewhere to dial: an address as text, and the port."""

    address: str
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET


class Resolver(Protocol):
    """Promises: at least one endpoint, the system's preferred first, or `FreeholdError` (UNREACHABLE)."""

    async def resolve(self, host: str, port: int) -> Sequence[Endpoint]: ...


class SystemResolver:
    """The host's own resolver (`/etc/hosts`, DNS). Lookups of one name that overlap are made once."""

    def __init__(self, look_up: Callable[[str, int], list[Endpoint]] | None = None) -> None:
        self._look_up = look_up or _look_up
        self._threads = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="egress-lookup")
        self._under_way: dict[tuple[str, int], asyncio.Future[list[Endpoint]]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[Endpoint]:
        lookup = self._under_way.get((host, port))
        if lookup is None:
            lookup = asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, host, port)
            self._under_way[host, port] = lookup
            lookup.add_done_callback(lambda _: self._under_way.pop((host, port)))
        return await asyncio.shield(lookup)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[Endpoint]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        hint = "is the name spelled right, and does DNS work on this host?"
        raise FreeholdError(Code.UNREACHABLE, f"{quoted(host)} is not found: {text}", hint) from None
    return list(dict.fromkeys(Endpoint(str(entry[4][0]), port) for entry in found))


class FixedResolver:
    """Knows what it is told: endpoints by host, whatever port is asked for. The fake."""

    def __init__(self, table: Mapping[str, Sequence[Endpoint]]) -> None:
        self.table = dict(table)
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> Sequence[Endpoint]:
        del port
        self.asked.append(host)
        if host not in self.table:
            raise FreeholdError(Code.UNREACHABLE, f"{quoted(host)} is not found", "add it to the table")
        return self.table[host]
