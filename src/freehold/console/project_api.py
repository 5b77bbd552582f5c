"""The console's seam: who looks at it, and the API that it is a client of."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request


@dataclass(frozen=True)
class Visitor:
    """Who looks. `scopes` are of `read`, `trigger`, `admin`; `csrf` goes into every form; `key_id` is the key that was
    logged in with, empty where none was."""

    name: str
    scopes: frozenset[str]
    csrf: str
    key_id: str = ""

    def may(self, scope: str) -> bool:
        return scope in self.scopes


class ProjectApi(Protocol):
    """`/api/v1` within this process: the same endpoints, scopes and audit as for every other client."""

    def now(self) -> datetime: ...

    def project_name(self) -> str: ...

    async def visitor(self, request: Request) -> Visitor:
        """Raises UNAUTHENTICATED."""
        ...

    async def form(self, request: Request) -> dict[str, str]:
        """The fields of a form that a page of ours sent. Raises DENIED where nothing shows that."""
        ...

    async def ask(
        self,
        request: Request,
        method: str,
        path: str,
        names: Mapping[str, str],
        query: Mapping[str, str],
        body: Mapping[str, Any],
    ) -> Any:
        """The answer's struct of the endpoint with that path (`/runs/{id}`). Raises what the endpoint raises."""
        ...

    def run_events(self, run_id: str, after_seq: int) -> AsyncGenerator[bytes]:
        """The events that a run has had until now, a line each, after that one. Raises NOT_FOUND or UNREACHABLE."""
        ...
