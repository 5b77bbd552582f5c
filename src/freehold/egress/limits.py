"""The bounds of one run's egress."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EgressLimits:
    """Bounds of one run; the defaults leave an order of magnitude above what pip, npm and git open at once.

    `per_second` and `burst` pace new connections, and so the audit events that a run can cause.
    """

    connections: int = 256
    head_bytes: int = 16 * 1024
    head_s: float = 10.0
    hello_s: float = 30.0
    idle_s: float = 600.0
    """A connection on which nothing moved for this long is cut, at the latest after twice this time."""
    lifetime_s: float = 4 * 3600.0
    per_second: float = 50.0
    burst: float = 500.0
    buffer_bytes: int = 256 * 1024
    """What may wait to be written, each way; above it the other side is not read."""
