"""One push to ten servers at once, beside the same to one."""

from __future__ import annotations

import os
import resource
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
            own: dict[int, list[float]] = {1: [], SERVERS: []}
            for number in range(ROUNDS):
                for count, words in ((1, every[:2]), (SERVERS, every)):
                    ours.edit_agent("bench", number * 100 + count)
                    began_s = _processor_s()
                    taken[count].append(ours.push(*words)[0])
                    own[count].append(_processor_s() - began_s)
    except MissingError as missing:
        return [Missing("a push to many servers", str(missing))]
    one, many = (statistics.median(taken[count]) for count in (1, SERVERS))
    how = (
        f"an edited agent, `push -E a -E b ...`; median of {ROUNDS}; the {SERVERS} sandboxes do their part on this "
        f"machine's {os.cpu_count()} processors, too"
    )
    own_one, own_many = (statistics.median(own[count]) for count in (1, SERVERS))
    return [
        Figure(
            f"push to {SERVERS} servers at once", many, "s", how, one, "to one", at_most=3.0, worst=max(taken[SERVERS])
        ),
        Figure("processor time of the command itself", own_many, "s", "without the sandboxes'", own_one, "to one"),
    ]


def _processor_s() -> float:
    """Of the commands that have ended (getrusage(2)); a sandbox is none of them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _require_room() -> None:
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    available = next(int(line[1]) * 1024 for line in lines if line[0] == "MemAvailable:")
    if available < SERVERS * _ROOM_EACH:
        raise MissingError(f"{SERVERS} sandboxes want {SERVERS * _ROOM_EACH / 1024**3:.0f} GB of memory that is free")
