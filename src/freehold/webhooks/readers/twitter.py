"""X (Twitter), Account Activity: the user whom it is for takes the repository's place."""

from __future__ import annotations

from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node, cut

_ABOUT_IT = frozenset({"for_user_id", "user_has_blocked", "users", "apps"})
"""Keys beside the one that names the event."""


def read_twitter(payload: Node) -> WebhookEvent:
    keys = [key for key in payload.keys if key not in _ABOUT_IT]
    event = next((key for key in keys if payload[key].is_list), keys[0] if keys else "")
    first = payload[event].first
    post = first["favorited_status"] or first
    message = first["message_create"]
    text = message["message_data"]["text"].text or post["text"].text or post["full_text"].text
    name = post["user"]["screen_name"].text
    return WebhookEvent(
        event=event,
        action=cut(event.removesuffix("_events").rpartition("_")[2]),
        repo=payload["for_user_id"].word,
        title=text.partition("\n")[0],
        body=text,
        url=f"https://x.com/{name}/status/{post['id_str'].text}" if name and post["id_str"].text else "",
        author=name,
        sender=_sender(first, message),
    )


def _sender(first: Node, message: Node) -> str:
    for user in (first["user"], first["source"]):
        found = user["screen_name"].text or user["id_str"].text or user["id"].word
        if found:
            return found
    return message["sender_id"].word or first["sender_id"].word or first["user_id"].word
