"""Connections of asyncio."""

from __future__ import annotations

import asyncio


def hang_up(transport: asyncio.BaseTransport) -> None:
    """Close a connection now, dropping what is unsent; nothing when it is gone already.

    `abort` itself fails on a connection that was closed while it had something to send, and then sent it (asyncio of
    Python 3.11 to 3.13).
    """
    if isinstance(transport, asyncio.WriteTransport) and transport.get_protocol() is not None:
        transport.abort()
