"""Receipts of webhooks."""

from __future__ import annotations

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.views import trigger_view
from freehold.store import receipts, triggers
from freehold.store.api_keys import Scope
from freehold.store.receipts import Receipt, ReceiptStatus
from freehold.wire.runs import TriggerType
from freehold.wire.service import ReceiptDetail, ReceiptView, RefusedDeliveries, WebhookAnswer


async def page(asked: Asked) -> list[ReceiptView]:
    source, status, text = asked.text("source"), asked.text("status"), asked.text("text")
    before, limit = asked.text("before"), asked.number("limit", 50)
    if status and status not in list(ReceiptStatus):
        raise FreeholdError(Code.USAGE, f"status: there is no {status!r}", f"There are: {', '.join(ReceiptStatus)}")
    found = await asked.service.database.read(
        lambda c: receipts.page(c, source=source, status=status, text=text, before=before, limit=limit)
    )
    return [view_of(receipt) for receipt in found]


async def refused(asked: Asked) -> list[RefusedDeliveries]:
    return asked.gateway.refusals.views()


async def one(asked: Asked) -> ReceiptDetail:
    receipt_id = asked.path["id"]
    found = await asked.service.database.read(lambda connection: receipts.find(connection, receipt_id))
    if found is None:
        raise FreeholdError(
            Code.NOT_FOUND,
            f"there is no receipt {receipt_id[:100]}",
            "`freehold webhook receipts` lists them.",
        )
    receipt, content = found
    agents = list(asked.service.scheduler.agents.project.agents)
    origin = receipt.delivery_id or receipt.id
    started = await asked.service.database.read(
        lambda c: triggers.of_origin(c, agents, TriggerType.WEBHOOK, receipt.source, origin)
    )
    return ReceiptDetail(
        receipt=view_of(receipt),
        headers=dict(content.headers),
        body=content.body.decode(errors="replace"),
        triggers=[trigger.id for trigger in started],
        started=[trigger_view(trigger) for trigger in started],
    )


async def replay(asked: Asked) -> WebhookAnswer:
    answer = await asked.gateway.webhooks.replay(asked.path["id"])
    await asked.note("receipt.replay", asked.path["id"], receipt=answer.receipt_id, matched=answer.matched)
    return answer


def view_of(receipt: Receipt) -> ReceiptView:
    fields = {name: getattr(receipt, name) for name in receipt.__struct_fields__}
    return ReceiptView(**{**fields, "received_at": rfc3339(receipt.received_at), "status": str(receipt.status)})


ENDPOINTS = (
    Endpoint("GET", "/receipts", Scope.READ, "Deliveries of webhooks, newest first", page, answer=list[ReceiptView],
             query=("source", "status", "text", "before", "limit")),
    Endpoint("GET", "/refused-deliveries", Scope.READ, "Deliveries that were refused since the service began, counted",
             refused, answer=list[RefusedDeliveries]),
    Endpoint("GET", "/receipts/{id}", Scope.READ, "One delivery, as it came", one, answer=ReceiptDetail),
    Endpoint("POST", "/receipts/{id}/replay", Scope.TRIGGER, "Take a delivery in again", replay, answer=WebhookAnswer),
)  # fmt: skip
