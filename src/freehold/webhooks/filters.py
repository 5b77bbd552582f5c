"""Does an event start an agent? And if not, why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from freehold.project.webhooks import WebhookTrigger
from freehold.webhooks.event import WebhookEvent

_FIELDS: dict[str, Callable[[WebhookEvent], Sequence[str]]] = {
    "events": lambda event: (event.event,),
    "resources": lambda event: (event.event,),
    "actions": lambda event: (event.action,),
    "repos": lambda event: (event.repo,),
    "projects": lambda event: (event.repo,),
    "organizations": lambda event: (event.repo,),
    "users": lambda event: (event.repo,),
    "labels": lambda event: event.labels,
    "assignee": lambda event: (event.assignee,),
    "author": lambda event: (event.author,),
    "branches": lambda event: (event.branch, event.base),
    "conclusions": lambda event: (event.conclusion,),
    "channels": lambda event: (event.channel,),
}
"""What a filter is compared with, unless the event says otherwise (`WebhookEvent.compared`)."""

_PASSED_WITHOUT = frozenset({"branches", "conclusions", "commands"})
"""Filters that an event passes about which there is no such question: an issue is on no branch."""

_ANY_CASE = frozenset({"repos", "orgs", "org", "assignee", "author"})
"""Names for which no sender distinguishes upper and lower case."""


def passes(trigger: WebhookTrigger, event: WebhookEvent) -> bool:
    """Whether `event`, of a source that the trigger names, starts its agent."""
    return not refusal(trigger, event)


def refusal(trigger: WebhookTrigger, event: WebhookEvent) -> str:
    """Why `event` does not start the agent, in words for a person; empty when it does.

    Every filter has to pass; of its values one is enough. Without filters every event passes, but what the application
    sent to itself.
    """
    if trigger.type != event.source:
        return f"the trigger is for {trigger.type}, and this is of {event.source}"
    if event.is_own:
        return "the application sent it itself"
    refusals = (_refusal(name, wanted, event) for name, wanted in trigger.filters.items())
    return next((why for why in refusals if why), "")


def _refusal(name: str, wanted: Sequence[str], event: WebhookEvent) -> str:
    stated = event.compared.get(name)
    found = [value for value in (_field(name, event) if stated is None else stated) if value]
    if not found and stated is None and name in _PASSED_WITHOUT:
        return ""
    asked = {_spelled(name, value) for value in wanted}
    if any(_spelled(name, value) in asked for value in found):
        return ""
    return f"{name}: wanted {_listed(wanted)}; it has {_listed(found)}"


def _field(name: str, event: WebhookEvent) -> Sequence[str]:
    field = _FIELDS.get(name)
    return field(event) if field else ()


def _spelled(name: str, value: str) -> str:
    return value.casefold() if name in _ANY_CASE else value


def _listed(values: Sequence[str]) -> str:
    shown = [f'"{value[:100]}"' for value in values[:10]]
    return ", ".join([*shown, *(["..."] if len(values) > len(shown) else [])]) or "none"
