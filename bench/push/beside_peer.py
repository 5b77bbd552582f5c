"""How long a push takes, beside the peer's to the same server, in turn."""

from __future__ import annotations

import statistics

from bench.figure import Figure, Missing, MissingError
from bench.peer.installation import NAME
from bench.push.peer import Peer, peer_on
from bench.push.server import Laptop, Server, laptop, servers

ROUNDS = 5


def measure() -> list[Figure | Missing]:
    try:
        with laptop() as ours, servers(ours) as [server]:
            ours.push("-E", server.name)
            theirs = peer_on(server, ours)
            ours.push("-E", server.name)  # what was changed for the peer is put right
            return _measure(ours, server, theirs)
    except MissingError as missing:
        return [Missing("pushes beside the peer's", str(missing))]


def _measure(ours: Laptop, server: Server, theirs: Peer) -> list[Figure | Missing]:
    whole: tuple[list[float], list[float]] = ([], [])
    agent: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        took_s, said = ours.push("-E", server.name)
        if said["changed"]:
            raise MissingError(f"a push with nothing to do did something: {said['changes']}")
        whole[0].append(took_s)
        whole[1].append(theirs.push())
        ours.edit_agent("bench", number)
        theirs.edit_agent(number)
        took_s, said = ours.push("bench", "-E", server.name)
        if not said["changed"]:
            raise MissingError("an edited agent was not pushed")
        agent[0].append(took_s)
        agent[1].append(theirs.push("bench"))
    how = f"median of {ROUNDS}, in turn, whole commands, to the same sandbox"
    waits = "ours returns when the running service has taken the agent over; the peer's, when the files are there"
    return [
        _figure("`push` with nothing changed", whole, 0.4, how),
        _figure("`push AGENT` of an agent that was edited, cold", agent, 1.0, f"{how}; {waits}"),
    ]


def _figure(name: str, taken: tuple[list[float], list[float]], at_most: float, how: str) -> Figure:
    ours, theirs = taken
    return Figure(
        name, statistics.median(ours) * 1000, "ms", how, statistics.median(theirs) * 1000, NAME, at_most=at_most,
        worst=max(ours) * 1000,
    )  # fmt: skip
