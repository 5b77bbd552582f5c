"""The audit: who did what, when and from where."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import quote, urlencode

from starlette.responses import Response

from freehold.base.errors import Code, FreeholdError
from freehold.console.visit import Visit
from freehold.wire.service import AuditNames, AuditView

PAGE = 50
_FILTERS = ("actor", "action", "since", "until")
_PAGES = {
    "agent": "/agents/",
    "run": "/runs/",
    "chat": "/runs/",
    "trigger": "/triggers/",
    "dead_letter": "/triggers/",
    "receipt": "/receipts/",
}
"""What actions are about, by the word before the dot, and the page that shows such a one."""


async def page(visit: Visit) -> Response:
    chosen = visit.query(*_FILTERS)
    asked = {**visit.query("before", "actor", "action"), "limit": str(PAGE)}
    if since := _day(chosen, "since"):
        asked["since"] = f"{since.isoformat()}T00:00:00.000Z"
    if until := _day(chosen, "until"):  # to a person, the last day is meant as a whole
        asked["until"] = f"{(until + timedelta(days=1)).isoformat()}T00:00:00.000Z"
    entries: list[AuditView] = await visit.get("/audit", asked)
    names: AuditNames = await visit.get("/audit/names")
    return visit.page(
        "audit.html",
        entries=[(entry, address_of(entry)) for entry in entries],
        names=names,
        chosen={name: chosen.get(name, "") for name in _FILTERS},
        older=urlencode({**chosen, "before": entries[-1].id}) if len(entries) == PAGE else "",
        paged="before" in visit.request.query_params,
    )


def address_of(entry: AuditView) -> str:
    """The page of what it is about; empty where there is none."""
    prefix = _PAGES.get(entry.action.partition(".")[0], "")
    return prefix + quote(entry.target, safe="") if prefix and entry.target else ""


def _day(chosen: dict[str, str], name: str) -> date | None:
    if not chosen.get(name):
        return None
    try:
        found = date.fromisoformat(chosen[name])
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year <= 9000:
        raise FreeholdError(Code.USAGE, f"{name} is no day", "For example 2026-11-21.")
    return found
