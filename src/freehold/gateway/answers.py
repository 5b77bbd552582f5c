"""What is sent back: JSON by msgspec, errors as `{code, message, hint}`."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from freehold.base.errors import FreeholdError

JSON = "application/json"
NEVER_STORED = {"Cache-Control": "no-store"}


def as_json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value) + b"\n", status, NEVER_STORED, JSON)


def as_error(error: FreeholdError, status: int | None = None) -> Response:
    """`status` where another one than the code's own is meant."""
    response = as_json(error.as_dict(), status or error.http_status)
    if response.status_code in (429, 503):
        response.headers["Retry-After"] = "5"
    return response
