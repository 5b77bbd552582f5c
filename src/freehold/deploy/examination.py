"""Gathering the facts of a server: one question to it, and a look at its ports from outside."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.host import Command, Host
from freehold.server.facts import PROBE, ServerFacts, read_facts
from freehold.wire.decoding import decode_json
from freehold.wire.service import Health

PORT_TIMEOUT_S = 5.0
_LARGEST = 64 * 1024
_HEALTH = msgspec.json.Decoder(Health)

Look = Callable[[str, int], Awaitable[str]]


async def examine(
    host: Host, *, outside: str = "", ports: Sequence[int] = (), gateway_socket: str = "", look: Look | None = None
) -> ServerFacts:
    """Everything that checks judge by. `outside` is the address at which `ports` are tried from here, with `look` (else
    a connection of this machine's). With `gateway_socket`, whether the gateway answers there is asked too. Raises what
    the host raises, but for sudo: then the facts say why."""
    sudo_problem = ""
    asked_at = time.time()
    try:
        said = await host.run(Command(("sh", "-s"), PROBE.encode(), as_root=True))
    except FreeholdError as error:
        if error.code is not Code.DENIED:
            raise
        sudo_problem = f"{error.message}: {error.hint}"
        asked_at = time.time()
        said = await host.run(Command(("sh", "-s"), PROBE.encode()))
    answered_at = time.time()
    seen = await asyncio.gather(*((look or port_state)(outside, port) for port in ports)) if outside else []
    asks = gateway_socket and not sudo_problem
    gateway, problems = await _gateway(host, gateway_socket) if asks else ("", ())
    return read_facts(
        said.text, asked_at, answered_at, sudo_problem=sudo_problem, gateway=gateway,
        gateway_problems=problems, ports=tuple(zip(ports, seen, strict=False)),
    )  # fmt: skip


async def port_state(address: str, port: int) -> str:
    """`open`, `closed` when the machine itself refuses, `silent` when nothing answers."""
    try:
        async with asyncio.timeout(PORT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        return "closed"
    except (OSError, TimeoutError):
        return "silent"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return "open"


async def _gateway(host: Host, path: str) -> tuple[str, tuple[str, ...]]:
    """`ok`, how it failed, or empty when nobody listens; and what it says is wrong."""
    try:
        connection = await host.forward(path, as_root=True)
    except FreeholdError as error:
        return "" if error.code is Code.NOT_FOUND else error.message, ()
    connection.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    try:
        async with asyncio.timeout(PORT_TIMEOUT_S):
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while len(answer) < _LARGEST and (more := await reader.read(_LARGEST)):
                answer += more
    except (OSError, TimeoutError, ValueError):
        return "the project's gateway does not answer in time", ()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return _told(answer)


def _told(answer: bytes) -> tuple[str, tuple[str, ...]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first = head.partition(b"\r\n")[0]
    health = None
    with contextlib.suppress(msgspec.DecodeError):  # something else answered
        health = decode_json(body, _HEALTH)
    problems = tuple(health.problems) if health else ()
    if first.split()[1:2] != [b"200"]:
        return f"the project's gateway answers {first.decode(errors='replace').strip()!r}", problems
    return "ok" if health is None or health.accepts else "the project takes nothing in", problems
