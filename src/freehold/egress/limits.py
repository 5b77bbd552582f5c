"""The bounds of one run's egress."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EgressLimits:
    """Bounds of one run; the defaults are well above what pip, npm and git open at once.

    `per_second` and `burst` pace new connections, and so the audit events that a run can cause. Memory: at most
    `connections` x 2 x (`buffer_bytes` + the 256 kB that asyncio reads at once), 80 MB with the defaults,
    and 64 kB for each connection that waits for its turn with more than its head.
    """

    connections: int = 128
    head_bytes: int = 16 * 1024
    head_s: float = 10.0
    hello_s: float = 30.0
    idle_s: float = 600.0
    """A connection on which nothing moved for this long is cut, at the latest after twice this time."""
    lifetime_s: float = 4 * 3600.0
    per_second: float = 20.0
    burst: float = 500.0
    buffer_bytes: int = 64 * 1024
    """What may wait to be written, each way; above it the other side is not read."""
