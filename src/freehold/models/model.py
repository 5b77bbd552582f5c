"""The `Model` seam: somebody who answers requests. Providers over HTTP, a rehearsal, or a fake of either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from freehold.models.call import ModelCall
from freehold.models.policy import PolicyModel


@dataclass(frozen=True)
class Ask:
    """A request on its way to one model: what was asked, and the bytes and headers as they go upstream."""

    call: ModelCall
    model: PolicyModel
    body: bytes
    offered_headers: Mapping[str, str] = field(default_factory=dict)
    """The harness's own headers, lower-case names; what of them passes is decided by `headers`."""


class Answer(Protocol):
    """An answer that has begun. `next_chunk` gives its bytes unchanged, empty at the end; `close` is always called.

    `next_chunk` raises `FreeholdError`: `TIMEOUT` when nothing came for too long, `UPSTREAM` when the answer was cut.
    """

    status: int
    headers: Mapping[str, str]
    """As the provider sent them, lower-case names."""

    async def next_chunk(self) -> bytes: ...

    async def close(self) -> None:
        """Give up what is left of the answer; the provider is told by the closed connection."""
        ...


class Model(Protocol):
    """Promises, for every implementation (`tests/unit/models/test_model_contract.py`):

    - `ask` returns once status and headers are there, whatever they say; the answer is read as it is needed, so that
      a reader who is slow slows the provider down and no memory fills up.
    - an event stream carries whole events of the call's wire format; another answer is one JSON object.
    - it raises `FreeholdError` and nothing else: `UNREACHABLE`, `TIMEOUT`, `UPSTREAM`, `REHEARSAL`.
    - it shows its key to nobody but `model.key_hosts`, and in no error.
    """

    async def ask(self, ask: Ask) -> Answer: ...
