"""What is looked at before bytes flow freely: the seam between a tunnel and the protocols it lets through."""

from __future__ import annotations

from typing import Protocol


class RefusedError(Exception):
    """What was said is not let through. `answer` are bytes that tell the client so in its own protocol."""

    def __init__(self, reason: str, hint: str = "", answer: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.answer = answer


class Inspection(Protocol):
    """Looks at the beginning of a connection; holds back what is not yet known to be allowed.

    `from_client` and `from_server` take what arrived and return what may pass now; bytes keep their order and none is
    lost. Called with nothing, they return what became free meanwhile. Both raise `RefusedError`. Once `done`,
    everything may pass unseen. What is held is bounded.
    """

    @property
    def done(self) -> bool: ...

    def from_client(self, data: bytes) -> bytes: ...

    def from_server(self, data: bytes) -> bytes: ...
