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

LOOKUPS_AT_ONCE = 4
"""Of one run. Each takes a thread for as long as `getaddrinfo` does, also when nobody waits for its answer any more."""
MOST_ADDRESSES = 16
"""Of one name, in the system's order; an answer may hold thousands, and each one is checked."""


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

    def close(self) -> None:
        """Begin no more; nothing is waited for."""
        ...


@dataclass
class _Lookup:
    answer: asyncio.Future[list[Endpoint]]
    waiting: int = 0


class SystemResolver:
    """The host's own resolver (`/etc/hosts`, DNS), for one run: its slow names keep no other run's waiting.

    Lookups of one name that overlap are made once; those that nobody waits for any more are not begun.
    """

    def __init__(self, look_up: Callable[[str, int], list[Endpoint]] | None = None) -> None:
        self._look_up = look_up or _look_up
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="egress-lookup")
        self._under_way: dict[tuple[str, int], _Lookup] = {}

    async def resolve(self, host: str, port: int) -> Sequence[Endpoint]:
        lookup = self._under_way.get((host, port))
        if lookup is None:
            answer = asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, host, port)
            self._under_way[host, port] = lookup = _Lookup(answer)
            answer.add_done_callback(lambda _: self._forget((host, port), lookup))
        lookup.waiting += 1
        try:
            return await asyncio.shield(lookup.answer)
        finally:
            lookup.waiting -= 1
            if not lookup.waiting and not lookup.answer.done():
                self._forget((host, port), lookup)
                lookup.answer.cancel()

    def _forget(self, key: tuple[str, int], lookup: _Lookup) -> None:
        if self._under_way.get(key) is lookup:
            del self._under_way[key]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[Endpoint]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        hint = "is the name spelled right, and does DNS work on this host?"
        raise FreeholdError(Code.UNREACHABLE, f"{quoted(host)} is not found: {text}", hint) from None
    return list(dict.fromkeys(Endpoint(str(entry[4][0]), port) for entry in found))[:MOST_ADDRESSES]


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

    def close(self) -> None:
        """It has nothing to close."""
