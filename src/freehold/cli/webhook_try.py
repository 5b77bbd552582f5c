"""A delivery of our own: signed as its sender would, and either tried on the agents' triggers or sent."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.base.secret import Secret
from freehold.cli.context import Context
from freehold.cli.webhook_fixture import Fixture
from freehold.client.gateway import Gateway, in_path
from freehold.project.load import Project
from freehold.project.problems import unknown
from freehold.project.webhooks import WebhookSource
from freehold.store.credentials import FileCredentialStore
from freehold.webhooks.answers import answer_challenge
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.filters import refusal
from freehold.webhooks.reading import read
from freehold.webhooks.simulation import simulated


class Tried(msgspec.Struct, frozen=True):
    """What would come of a delivery: the agents that it starts, and of each other one why not."""

    source: str
    event: str
    action: str
    starts: list[str]
    refusals: dict[str, str]


def simulate_for(context: Context, project: Project, source: str, fixture: Fixture, *, event: str) -> Delivery:
    """The delivery, signed where a secret is stored. Raises NOT_FOUND for a source that the project has not."""
    found = _source(project, source)
    return simulated(
        found,
        fixture.body,
        now=datetime.now(UTC),
        delivery_id=new_ulid(),
        event=event,
        secret=_secret(context, found),
        headers=fixture.headers,
    )


def try_out(project: Project, delivery: Delivery) -> Tried:
    """Raises PROTOCOL when nothing can be read from it, USAGE when it only asks whether anybody is there."""
    source = _source(project, delivery.source)
    if answer_challenge(source, delivery) is not None:
        raise FreeholdError(
            Code.USAGE, "this delivery only asks whether anybody is there; it starts nothing", "give another event"
        )
    event = read(source, delivery)
    starts, refusals = list[str](), dict[str, str]()
    for name, agent in project.agents.items():
        reasons = [refusal(trigger, event) for trigger in agent.webhooks if trigger.source == source.name]
        if "" in reasons:
            starts.append(name)
        elif reasons:
            refusals[name] = "; ".join(reasons)
    return Tried(source.name, event.event, event.action, starts, refusals)


def post(gateway: Gateway, delivery: Delivery) -> bytes:
    """Send it; what the sender would be answered. Raises what the gateway raises."""
    _, content = gateway.send("POST", f"/webhooks/{in_path(delivery.source)}", dict(delivery.headers), delivery.body)
    return content


def _source(project: Project, name: str) -> WebhookSource:
    if name not in project.config.webhooks:
        raise FreeholdError(Code.NOT_FOUND, unknown("webhook source", name, project.config.webhooks))
    return project.config.webhooks[name]


def _secret(context: Context, source: WebhookSource) -> Secret | None:
    store = FileCredentialStore(context.home)
    stored = (store.get(field.ref, field.field) for field in source.secrets)
    return next((secret for secret in stored if secret), None)
