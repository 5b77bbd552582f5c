"""Webhook receipts: what came, what became of it, and sending it through again."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from freehold.console.visit import Visit
from freehold.wire.service import ReceiptDetail, ReceiptView, RefusedDeliveries

PAGE = 50
MOST_REFUSED = 20
_FILTERS = ("source", "status", "text")
_STATUSES = ("accepted", "unmatched", "refused")


async def every(visit: Visit) -> Response:
    chosen = visit.query(*_FILTERS)
    found: list[ReceiptView] = await visit.get("/receipts", {**visit.query("before"), **chosen, "limit": str(PAGE)})
    older = urlencode({**chosen, "before": found[-1].id}) if len(found) == PAGE else ""
    refused: list[RefusedDeliveries] = await visit.get("/refused-deliveries")
    return visit.page(
        "receipts.html",
        refused=refused[:MOST_REFUSED],
        receipts=found,
        older=older,
        statuses=_STATUSES,
        chosen={name: chosen.get(name, "") for name in _FILTERS},
    )


async def one(visit: Visit) -> Response:
    detail: ReceiptDetail = await visit.get("/receipts/{id}", id=visit.request.path_params["id"])
    return visit.page("receipt.html", detail=detail, receipt=detail.receipt)
