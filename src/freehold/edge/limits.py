"""How much one client address may ask of the edge, and how long things may take there (pure).

An address is that of the client, also behind Cloudflare; of IPv6 a /64, which is what one customer has.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Requests are counted over ten seconds. A stream counts once, when it begins.

    A page of the console is some fifteen requests, so `requests` leaves room for an office behind one address.
    Deliveries come from few addresses in bursts, and their senders do not all try again: `deliveries` is ten times what
    the gateway takes of one source (200 a second). `/health` is counted with them. Behind these are the gateway's own.

    `neighbours` are the connections of all addresses of a network together, a /24 of IPv4 or a /48 of IPv6, which is
    what one customer of a data centre gets at most without much ado: a quarter of all, so that none shuts out the rest.
    """

    requests: int = 400
    deliveries: int = 20_000
    connections: int = 500
    neighbours: int = 1_000
    new_connections: int = 5_000
    addresses: int = 100_000
    """Remembered at once: some 30 MB when all are in use."""


USUAL = Limits()

MOST_CONNECTIONS = 4_000
"""Of all clients together: fits a server of 1 GB, and the 4,096 that wait at a gateway's socket while it restarts."""
MOST_AT_A_GATEWAY = 2_000
"""At work or waiting at one project; further ones wait at the edge, for `QUEUE_S` at most."""
QUEUE_S = 30
HEAD_S = 15
"""As the gateway's own bound for the head of a request."""
KEEP_ALIVE_S = 60
SILENCE_S = 300
"""In which nothing comes from either side: streams of events say something each 15 seconds."""
TUNNEL_S = 3600
"""The same for WebSockets."""
DRAIN_S = 300
"""How long streams of before a reload may go on: whoever follows one begins again where it was."""
HSTS_S = 180 * 24 * 3600
"""Half a year: so long browsers insist on HTTPS after the last answer."""
