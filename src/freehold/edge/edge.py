"""The seam to what stands before the projects of a server while it runs: how they are asked, and a lever to pause one.

What it serves is no matter of this seam: that is a file (`haproxy_config.py`), which a push writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Traffic:
    """How a project was asked since the edge took up its configuration. `failed` were answered with 5xx, by the project
    or for it; `at_work` and `waiting` are of this moment: handed on to it, or not yet. `paused` is by `pause`."""

    project: str
    requests: int
    failed: int
    at_work: int
    waiting: int
    paused: bool


class Edge(Protocol):
    """Promises, for every implementation (`tests/real/deploy/test_edge_contract.py`): `FreeholdError` is all that is
    raised; UNREACHABLE when no edge runs there, NOT_FOUND for a project that it does not serve."""

    async def traffic(self) -> tuple[Traffic, ...]:
        """Of every project, sorted by name."""
        ...

    async def pause(self, project: str) -> None:
        """From now on whoever asks is told, calmly and with 503, to come again; what is being answered goes on. It ends
        with `resume`, and with the next change of the edge."""
        ...

    async def resume(self, project: str) -> None: ...

    async def figures(self) -> str:
        """For Prometheus."""
        ...
