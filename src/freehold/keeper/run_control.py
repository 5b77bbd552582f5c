"""What a run may do to itself through its socket: the seam between the run API and the keeper."""

from __future__ import annotations

from typing import Protocol

from freehold.wire.left import Left


class RunControl(Protocol):
    """Each verb raises `FreeholdError` when it refuses; what it did is durable when it returns."""

    async def set_status(self, text: str) -> None: ...

    async def set_return(self, value: str) -> None: ...

    async def request_rerun(self) -> None: ...

    async def request_exit(self, code: int) -> None: ...

    async def shutdown(self, reason: str) -> None: ...

    async def keep_left(self, left: Left) -> None: ...


class RecordingControl:
    """Remembers what it was asked, in order. The fake."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | int | None]] = []

    async def set_status(self, text: str) -> None:
        self.asked.append(("status", text))

    async def set_return(self, value: str) -> None:
        self.asked.append(("return", value))

    async def request_rerun(self) -> None:
        self.asked.append(("rerun", None))

    async def request_exit(self, code: int) -> None:
        self.asked.append(("exit", code))

    async def shutdown(self, reason: str) -> None:
        self.asked.append(("shutdown", reason))

    async def keep_left(self, left: Left) -> None:
        self.asked.append(("left", len(left.files)))
