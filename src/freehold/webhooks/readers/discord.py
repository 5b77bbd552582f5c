"""Discord's interactions: the guild takes the repository's place, the channel the branch's."""

from __future__ import annotations

from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node

PING = 1
_TYPES = {PING: "ping", 2: "application_command", 3: "message_component", 4: "autocomplete", 5: "modal_submit"}
_COMMANDS = ("application_command", "autocomplete")


def read_discord(payload: Node) -> WebhookEvent:
    kind, data = payload["type"].number, payload["data"]
    event = _TYPES.get(kind or 0, "interaction")
    guild, channel = payload["guild_id"].word, payload["channel_id"].word
    user = payload["member"]["user"] or payload["user"]
    name = data["name"].text
    return WebhookEvent(
        event=event,
        action=name or data["custom_id"].text,
        repo=guild,
        title=f"/{name}" if name else data["custom_id"].text,
        body=(data["options"] or data["components"] or data["values"]).json,
        branch=channel,
        channel=channel,
        comment=payload["message"]["content"].text,
        sender=user["username"].text or user["id"].word,
        delivery_id=payload["id"].word,
        compared={
            "guilds": (guild,) if guild else (),
            "channels": (channel,) if channel else (),
            **({"commands": (name,) if name else ()} if event in _COMMANDS else {}),
        },
    )
