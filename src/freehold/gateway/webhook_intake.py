"""Deliveries on their way in: verified, then written down together with what they start, then answered."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.gateway.metrics import Metrics
from freehold.gateway.project_service import ProjectService
from freehold.gateway.webhook_ledger import Understood, WebhookLedger, Written
from freehold.gateway.webhook_matching import matching
from freehold.gateway.webhook_paces import WebhookPaces
from freehold.gateway.webhook_secrets import WebhookSecrets
from freehold.project.webhooks import WebhookSource
from freehold.store import receipts
from freehold.store.credentials import CredentialStore
from freehold.webhooks.answers import answer_accepted, answer_challenge, answer_crc
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.reading import read
from freehold.webhooks.verification import sources_at, verified
from freehold.wire.service import WebhookAnswer

MOST_AT_ONCE = 2_000
"""Deliveries that are being written down; whoever comes then is told to come again."""


class WebhookIntake:
    """What is answered with a receipt is on the disk, with every trigger that it is for, or without any."""

    def __init__(self, service: ProjectService, credentials: CredentialStore, metrics: Metrics) -> None:
        self._service = service
        self._secrets = WebhookSecrets(credentials)
        self._metrics = metrics
        self._ledger = WebhookLedger(service.database, service.scheduler.intake)
        self._paces = WebhookPaces()
        self._under_way = 0

    async def take(self, delivery: Delivery) -> Mapping[str, object] | WebhookAnswer:
        """What the sender is answered with status 200.

        Raises NOT_FOUND, DENIED (for the log; a sender is told less), PROTOCOL, BUSY (a queue is full: what was not
        taken may come again), RATE_LIMITED, OVERLOADED, and what the database raises: nothing is written then.
        """
        known = "unknown"
        try:
            sources = self._sources_at(delivery.source)
            known = delivery.source
            return await self._take(sources, delivery)
        except FreeholdError as error:
            self._metrics.delivery(known, _OUTCOMES.get(error.code, "failed"))
            raise

    def challenge(self, delivery: Delivery) -> Mapping[str, object]:
        """The answer to a GET. Raises as `answer_crc`."""
        sources = self._sources_at(delivery.source)
        return answer_crc(sources, delivery.query, self._secrets.of(sources))

    async def replay(self, receipt_id: str) -> WebhookAnswer:
        """Take a delivery in again, with the triggers as they are now. Raises NOT_FOUND, BUSY."""
        found = await self._service.database.read(lambda connection: receipts.find(connection, receipt_id))
        if found is None:
            raise FreeholdError(
                Code.NOT_FOUND,
                f"there is no receipt {receipt_id[:40]}",
                "`freehold webhook receipts` lists them.",
            )
        receipt, content = found
        sources = self._sources_at(receipt.source)
        again = Delivery(receipt.source, content.headers, content.body, self._service.clock.now())
        event = msgspec.structs.replace(read(sources[0], again), delivery_id="")
        return await self._write(sources, again, event, replay_of=receipt.id)

    async def _take(
        self, at: tuple[WebhookSource, ...], delivery: Delivery
    ) -> Mapping[str, object] | WebhookAnswer:  # fmt: skip
        sources = verified(at, delivery, self._secrets.of(at), self._service.clock.now())
        self._paces.require(sources[0], len(delivery.body), self._service.clock.monotonic())
        if (asked := answer_challenge(sources[0], delivery)) is not None:
            self._metrics.delivery(delivery.source, "challenge")
            return asked
        event = read(sources[0], delivery)
        answer = await self._write(sources, delivery, event)
        wanted_by_sender = None if answer.duplicate else answer_accepted(event, answer.matched)
        return answer if wanted_by_sender is None else wanted_by_sender

    async def _write(
        self, sources: tuple[WebhookSource, ...], delivery: Delivery, event: WebhookEvent, replay_of: str = ""
    ) -> WebhookAnswer:
        if self._under_way >= MOST_AT_ONCE:
            raise FreeholdError(Code.OVERLOADED, "too many deliveries at once", "Send it again.")
        found = matching(self._service.scheduler.agents.project.agents, sources, event)
        come = Understood(new_ulid(), sources[0], delivery, event, found, replay_of)
        self._under_way += 1
        try:
            written = await self._ledger.write(come)
        finally:
            self._under_way -= 1
        return self._answer(come, written)

    def _answer(self, come: Understood, written: Written) -> WebhookAnswer:
        said = written.said
        if said is None:
            self._metrics.delivery(come.delivery.source, "duplicate")
            return WebhookAnswer(duplicate=True, receipt_id=written.receipt_id)
        # What has an id may be sent again: agents that have it take it no second time.
        if said.busy and (come.event.delivery_id or not said.matched):
            raise said.busy
        self._metrics.delivery(come.delivery.source, str(said.status))
        return WebhookAnswer(matched=said.matched, skipped=said.skipped, receipt_id=written.receipt_id)

    def _sources_at(self, name: str) -> tuple[WebhookSource, ...]:
        return sources_at(name, self._service.scheduler.agents.project.config.webhooks)


_OUTCOMES = {
    Code.NOT_FOUND: "unknown",
    Code.DENIED: "refused",
    Code.PROTOCOL: "unreadable",
    Code.BUSY: "busy",
    Code.RATE_LIMITED: "busy",
    Code.OVERLOADED: "busy",
}
