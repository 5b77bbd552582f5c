"""What is sent back: JSON by msgspec, errors as `{code, message, hint}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from starlette.responses import Response

from freehold.base.errors import Code, FreeholdError
from freehold.wire.versions import OLDEST_CLIENT

JSON = "application/json"
NEVER_STORED = {"Cache-Control": "no-store"}
RETRY_AFTER_S = 5

_STATUSES = {
    Code.UNREACHABLE: 503,
    Code.DISK: 503,
}
"""Where the gateway's statuses differ from those of a run's socket: what is away here is ours, and comes back."""


def as_json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value) + b"\n", status, NEVER_STORED, JSON)


def status_of(error: FreeholdError) -> int:
    return _STATUSES.get(error.code, error.http_status)


ErrorPage = Callable[[FreeholdError, int], Response]
"""Makes a page of an error and its status, for people."""


def as_answer(
    headers: Mapping[str, str],
    error: FreeholdError,
    page: ErrorPage | None,
    status: int | None = None,
    retry_after_s: int = RETRY_AFTER_S,
) -> Response:
    """A page, where there are any, for who takes one; JSON for everybody else. Header names are lower-case."""
    if page is None or "text/html" not in headers.get("accept", ""):
        return as_error(error, status, retry_after_s)
    return with_error_headers(page(error, status or status_of(error)), retry_after_s)


def as_error(error: FreeholdError, status: int | None = None, retry_after_s: int = RETRY_AFTER_S) -> Response:
    """`status` where another one than the code's own is meant."""
    return with_error_headers(as_json(error.as_dict(), status or status_of(error)), retry_after_s)


def with_error_headers(response: Response, retry_after_s: int = RETRY_AFTER_S) -> Response:
    if response.status_code in (429, 503):
        response.headers["Retry-After"] = str(retry_after_s)
    if response.status_code == 426:  # RFC 9110, section 15.5.22: what to upgrade to is named
        response.headers["Upgrade"] = f"freehold/{OLDEST_CLIENT}"
        response.headers["Connection"] = "upgrade"
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
