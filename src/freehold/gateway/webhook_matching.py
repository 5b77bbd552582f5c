"""Which agents a delivery starts, and why not the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.project.agent import Agent
from freehold.project.webhooks import WebhookSource
from freehold.scheduler.admission import Admitted
from freehold.scheduler.intake import NewTrigger
from freehold.store.receipts import ReceiptStatus
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.filters import refusal
from freehold.wire.runs import TriggerType

LONGEST_REASON = 2000


class Matching(msgspec.Struct, frozen=True):
    """`wanted` are the agents that the event starts; `others` says of each further one that listens why not."""

    wanted: tuple[str, ...]
    others: Mapping[str, str]


def matching(agents: Mapping[str, Agent], sources: Sequence[WebhookSource], event: WebhookEvent) -> Matching:
    """Of an agent's triggers one is enough."""
    names = {source.name for source in sources}
    wanted, others = [], {}
    for agent in agents.values():
        refusals = [refusal(trigger, event) for trigger in agent.webhooks if trigger.source in names]
        if refusals and not all(refusals):
            wanted.append(agent.name)
        elif refusals:
            others[agent.name] = "; ".join(refusals)
    return Matching(tuple(wanted), others)


def new_triggers(
    wanted: Sequence[str], source: WebhookSource, event: WebhookEvent, receipt_id: str, source_id: str
) -> list[NewTrigger]:
    context = event.context(receipt_id)
    return [NewTrigger(name, TriggerType.WEBHOOK, source.name, source_id, context=context) for name in wanted]


class Verdict(msgspec.Struct, frozen=True):
    """What became of a delivery. `busy` is why one that is wanted could not be taken: it is to be sent again."""

    status: ReceiptStatus
    matched: int
    skipped: int
    reason: str
    busy: FreeholdError | None = None


def verdict(
    wanted: Sequence[str], taken: Sequence[Admitted | FreeholdError], others: Mapping[str, str]
) -> Verdict:  # fmt: skip
    """`taken` is what became of each of `wanted`."""
    refused = {name: one for name, one in zip(wanted, taken, strict=True) if isinstance(one, FreeholdError)}
    matched = len(wanted) - len(refused)
    busy = next((error for error in refused.values() if error.code is Code.BUSY), None)
    status = ReceiptStatus.ACCEPTED if matched else ReceiptStatus.UNMATCHED
    if not refused and not others:
        return Verdict(status, matched, 0, "")
    reasons = {**{name: error.message for name, error in refused.items()}, **others}
    reason = "\n".join(f"{name}: {why}" for name, why in reasons.items())[:LONGEST_REASON]
    if busy:
        status = ReceiptStatus.REFUSED
    return Verdict(status, matched, len(refused), reason, busy)
