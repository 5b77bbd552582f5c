"""What went wrong when a notice was sent."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError


class NotTakenError(FreeholdError):
    """The other side did not take it. `refused`: this message, whatever comes of others; else nothing gets through at
    the moment. `retry_after_s` is when it may be tried again, where the other side says so. Holds no secret.
    """

    def __init__(self, message: str, *, refused: bool = False, retry_after_s: float = 0.0) -> None:
        super().__init__(Code.UPSTREAM, message)
        self.refused = refused
        self.retry_after_s = retry_after_s
