"""One push to ten servers at once, beside the same to one."""

from __future__ import annotations

import statistics
from pathlib import Path

from bench.figure import Figure, Missing, MissingError
from bench.push.server import laptop, servers

SERVERS = 10
_ROOM_EACH = 512 * 1024**2
ROUNDS = 3


def measure() -> list[Figure | Missing]:
    try:
        _require_room()
        # No agent that is switched on needs no image, which would only be loaded ten times.
        with laptop(config="scale = 0\n") as ours, servers(ours, SERVERS) as found:
            every = [word for server in found for word in ("-E", server.name)]
            ours.push(*every)
            taken: dict[int, list[float]] = {1: [], SERVERS: []}
            for number in range(ROUNDS):
                for count, words in ((1, every[:2]), (SERVERS, every)):
                    ours.edit_agent("bench", number * 100 + count)
                    taken[count].append(ours.push(*words)[0])
    except MissingError as missing:
        return [Missing("a push to many servers", str(missing))]
    one, many = (statistics.median(taken[count]) for count in (1, SERVERS))
    how = f"an edited agent, `push -E a -E b ...`; median of {ROUNDS}; {SERVERS} sandboxes on this machine's processors"
    return [
        Figure(
            f"push to {SERVERS} servers at once", many, "s", how, one, "to one", at_most=3.0, worst=max(taken[SERVERS])
        )
    ]


def _require_room() -> None:
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    available = next(int(line[1]) * 1024 for line in lines if line[0] == "MemAvailable:")
    if available < SERVERS * _ROOM_EACH:
        raise MissingError(f"{SERVERS} sandboxes want {SERVERS * _ROOM_EACH / 1024**3:.0f} GB of memory that is free")
