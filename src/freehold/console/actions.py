"""What a form does, as data: the endpoint that it asks, what it sends, and where it leads. POST, then redirect."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """`path` is the form's, and by default the endpoint's; `fields` of the form become the body, where they are not
    empty. `then` is where it leads; the form's field `back` may choose another page of ours."""

    path: str
    said: str
    then: str
    method: str = "POST"
    endpoint: str = ""
    fields: tuple[str, ...] = ()


ACTIONS = (
    Action("/pause", "paused", "/"),
    Action("/resume", "resumed", "/"),
    Action("/agents/{name}/trigger", "triggered", "/agents/{name}", fields=("prompt",)),
    Action("/agents/{name}/enable", "enabled", "/agents/{name}"),
    Action("/agents/{name}/disable", "disabled", "/agents/{name}"),
    Action("/agents/{name}/kill", "killed", "/agents/{name}"),
    Action("/runs/{id}/kill", "killed", "/runs/{id}", fields=("reason",)),
    Action("/runs/{id}/retry", "retried", "/runs/{id}"),
    Action("/runs/{id}/answer", "answered", "/runs/{id}", fields=("permission_id", "option_id")),
    Action("/triggers/{id}/replay", "replayed", "/queue"),
    Action("/triggers/{id}/discard", "discarded", "/queue"),
    Action("/receipts/{id}/replay", "replayed", "/receipts"),
    Action("/locks/release", "released", "/locks", fields=("uri",)),
)
