"""SSH on port 22: both sides must say so first (RFC 4253 §4.2) (pure)."""

from __future__ import annotations

from freehold.egress.inspection import RefusedError

_BANNER = b"SSH-2.0-"
LONGEST_GREETING = 8 * 1024
"""Bytes of other lines that a server may send before its banner."""


class SshInspection:
    """An `Inspection` that lets each side through once it has begun with `SSH-2.0-`."""

    def __init__(self) -> None:
        self._client: bytes | None = b""
        self._server: bytes | None = b""

    @property
    def done(self) -> bool:
        return self._client is None and self._server is None

    def from_client(self, data: bytes) -> bytes:
        if self._client is None:
            return data
        self._client += data
        if not _BANNER.startswith(self._client[: len(_BANNER)]):
            raise RefusedError("on port 22 the client may speak SSH 2 only", "use https on port 443 for anything else")
        if len(self._client) < len(_BANNER):
            return b""
        passed, self._client = self._client, None
        return passed

    def from_server(self, data: bytes) -> bytes:
        if self._server is None:
            return data
        self._server += data
        start = self._banner_line(self._server)
        line = self._server[start : start + len(_BANNER)]
        if line.startswith(b"SSH-") and not _BANNER.startswith(line):
            raise RefusedError("the server does not speak SSH 2")
        if line == _BANNER:
            passed, self._server = self._server, None
            return passed
        if len(self._server) > LONGEST_GREETING:
            raise RefusedError("the server on port 22 does not speak SSH")
        return b""

    @staticmethod
    def _banner_line(data: bytes) -> int:
        """Where the last line that began starts, or the first one that begins with `SSH-`."""
        if data.startswith(b"SSH-"):
            return 0
        found = data.find(b"\nSSH-")
        return found + 1 if found >= 0 else data.rfind(b"\n") + 1
