"""What the model gateway adds to a stream: the same provider asked directly is the control.

The provider writes the time into every event it sends; whoever reads the event knows how long it was on its way.
Provider, gateway and harness are processes of their own, and the harness reaches the gateway over a unix socket, as in
a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench.figure import Figure, Missing
from bench.model_gateway_roles import CHUNKS, EVENTS_BESIDE, MODEL_PATH, PROVIDER_PATH, body_of, sent_at

STREAMS = 20
ROUNDS = 3
MANY_STREAMS = 200
FIRST_BYTES = 30


@dataclass
class Taken:
    """What one load showed: how long each event was on its way, and how many streams came to their end."""

    delays_s: list[float] = field(default_factory=list)
    first_byte_s: list[float] = field(default_factory=list)
    whole_streams: int = 0
    memory_mb: float = 0.0
    cpu_s: float = 0.0

    def p(self, percent: int) -> float:
        return statistics.quantiles(self.delays_s, n=100)[percent - 1] * 1000


def measure() -> list[Figure | Missing]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        _, port = stack.enter_context(_process("provide"))
        gateway, _ = stack.enter_context(_process("gateway", folder, port))
        return asyncio.run(_measure(f"http://127.0.0.1:{port}", Path(folder) / "run.sock", gateway))


async def _measure(provider: str, socket: Path, gateway: int) -> list[Figure | Missing]:
    await _load(None, provider, 5, gateway)
    await _load(socket, provider, 5, gateway)  # connections open, price list imported
    idle_mb = _memory_mb(gateway)
    direct, through = Taken(), Taken()
    for _ in range(ROUNDS):
        for taken, path in ((direct, None), (through, socket)):
            _add(taken, await _load(path, provider, STREAMS, gateway))
    many = await _load(socket, provider, MANY_STREAMS, gateway)
    again = await _load(socket, provider, MANY_STREAMS, gateway)
    first_direct, first_through = Taken(), Taken()
    for _ in range(FIRST_BYTES):
        for taken, path in ((first_direct, None), (first_through, socket)):
            _add(taken, await _load(path, provider, 1, gateway, chunks=1))
    first = statistics.median(first_through.first_byte_s) - statistics.median(first_direct.first_byte_s)
    how = f"{STREAMS} streams of 20 events a second, {ROUNDS} rounds of each in turn"
    return [
        Figure("added to an event, median", through.p(50) - direct.p(50), "ms", how, at_most=3.0,
               note=f"direct {direct.p(50):.2f} ms, through the gateway {through.p(50):.2f} ms"),
        Figure("an event's way, 99th percentile", through.p(99), "ms", how, direct.p(99), "direct"),
        Figure("added to the first byte, median", first * 1000, "ms", f"{FIRST_BYTES} requests of 40 kB, one by one",
               note="the budget is reserved on disk before the provider is asked"),
        Figure("processor time of the gateway", through.cpu_s / len(through.delays_s) * 1e6, "us an event", how),
        Figure(f"streams that came whole, of {MANY_STREAMS}", many.whole_streams + again.whole_streams, "streams",
               "two loads of 200 streams of 20 events a second", at_least=2 * MANY_STREAMS,
               note=f"median way of an event {many.p(50):.1f} ms"),
        Figure("memory for 200 streams", many.memory_mb - idle_mb, "MB", "resident, above idle", at_most=100,
               note=f"idle {idle_mb:.0f} MB; the second load {again.memory_mb - many.memory_mb:+.1f} MB"),
    ]  # fmt: skip


def _add(total: Taken, one: Taken) -> None:
    total.delays_s += one.delays_s
    total.first_byte_s += one.first_byte_s
    total.whole_streams += one.whole_streams
    total.cpu_s += one.cpu_s


async def _load(socket: Path | None, provider: str, streams: int, gateway: int, chunks: int = CHUNKS) -> Taken:
    """So many streams at once, read to their end: through the gateway at `socket`, or from the provider itself."""
    taken = Taken()
    connector: aiohttp.BaseConnector
    connector = aiohttp.UnixConnector(str(socket), limit=0) if socket else aiohttp.TCPConnector(limit=0)
    url = f"http://run{MODEL_PATH}" if socket else provider + PROVIDER_PATH
    before = _cpu_s(gateway)
    async with aiohttp.ClientSession(connector=connector) as session:
        reading = asyncio.gather(
            *(_read(session, url, body_of(number / streams, chunks), taken) for number in range(streams))
        )
        while not reading.done():
            taken.memory_mb = max(taken.memory_mb, _memory_mb(gateway))
            await asyncio.wait([reading], timeout=0.5)
        await reading
    taken.cpu_s = _cpu_s(gateway) - before
    return taken


async def _read(session: aiohttp.ClientSession, url: str, body: dict[str, object], taken: Taken) -> None:
    asked = time.monotonic()
    events = 0
    async with session.post(url, json=body) as response:
        async for line in response.content:
            if not line.startswith(b"data: "):
                continue
            now = time.monotonic()
            if not events:
                taken.first_byte_s.append(now - asked)
            events += 1
            sent = sent_at(line)
            if sent is not None:
                taken.delays_s.append(now - sent)
    taken.whole_streams += events == CHUNKS + EVENTS_BESIDE


def _memory_mb(pid: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _process(*role: str) -> Iterator[tuple[int, str]]:
    """A part in a process of its own, and the line it says when it is ready."""
    command = [sys.executable, "-m", "bench.model_gateway_roles", *role]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.terminate()
