"""Secrets taken out of a stream of bytes, also where one is cut in two (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from freehold.base.secret import HIDDEN, Secret

_SHORTEST = 6
"""As in `freehold.base.secret.redact`: shorter values would black out ordinary words."""


class StreamRedactor:
    """Replaces every secret by `[hidden]`. Holds back only what may be the beginning of one."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        values = (secret.reveal().encode() for secret in secrets)
        self._values = sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        text = self._held + data
        for value in self._values:
            text = text.replace(value, HIDDEN.encode())
        keep = max((_overlap(text, value) for value in self._values), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def end(self) -> bytes:
        """What is still held: it did not become a secret."""
        held, self._held = self._held, b""
        return held


def _overlap(text: bytes, value: bytes) -> int:
    """The length of the longest end of `text` that `value` begins with, short of all of it."""
    longest = min(len(text), len(value) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(value[:length])), 0)
