"""The calls that a run made to other agents, as the API tells them."""

from __future__ import annotations

import msgspec


class CallMade(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is `pending`, `running`, `completed` or `error`; `run_id` is the call's latest attempt, empty before it
    has begun; `return_value` and `error` are what the caller is told."""

    call_id: str
    agent: str
    status: str
    created_at: str
    ended_at: str | None = None
    run_id: str = ""
    return_value: str | None = None
    error: str = ""
