"""API keys: who may ask, making one, which is shown once, and revoking one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import Response

from freehold.base.errors import FreeholdError
from freehold.console.figures import moment
from freehold.console.visit import Visit
from freehold.wire.service import KeyMade, KeyView

SCOPES = (
    ("read", "read: see everything but secrets"),
    ("trigger", "trigger: begin and end runs too"),
    ("admin", "admin: change what is to be, keys among it"),
)
DAYS = (("", "until it is revoked"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year"))
_FIRST = {"name": "", "scope": "read", "days": "90"}


async def every(visit: Visit) -> Response:
    return await _shown(visit, _FIRST)


async def make(visit: Visit) -> Response:
    """The answer itself shows the key: no address leads there, so nobody comes back to it."""
    form = await visit.api.form(visit.request)
    written = {name: form.get(name, "") for name in _FIRST}
    body: dict[str, Any] = {"name": written["name"], "scopes": [written["scope"]]}
    if written["days"]:
        body["days"] = int(written["days"]) if written["days"].isdecimal() else written["days"]
    try:
        made: KeyMade = await visit.api.ask(visit.request, "POST", "/keys", {}, {}, body)
    except FreeholdError as error:
        return await _shown(visit, written, error)
    return await _shown(visit, _FIRST, made=made, name=written["name"].strip(), http_status=201)


async def _shown(
    visit: Visit,
    written: dict[str, str],
    error: FreeholdError | None = None,
    made: KeyMade | None = None,
    name: str = "",
    http_status: int = 200,
) -> Response:
    keys: list[KeyView] = await visit.get("/keys")
    now = visit.api.now()
    return visit.page(
        "keys.html",
        error.http_status if error else http_status,
        opening=[key for key in reversed(keys) if opens(key, now)],
        over=[key for key in reversed(keys) if not opens(key, now)],
        written=written,
        scopes=SCOPES,
        days=DAYS,
        error=error,
        made=made,
        made_name=name,
    )


def opens(key: KeyView, now: datetime) -> bool:
    """Whether it was neither revoked nor is its time over."""
    until = moment(key.expires_at) if key.expires_at else None
    return not key.revoked_at and (until is None or until > now)
