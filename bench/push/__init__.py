"""Pushes to servers in containers, beside the peer's to the same server."""
