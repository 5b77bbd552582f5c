"""Slack: events, slash commands and what is done with buttons; the workspace takes the repository's place."""

from __future__ import annotations

from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node


def read_slack(payload: Node) -> WebhookEvent:
    if payload["command"].text:
        return _command(payload)
    if payload["type"].text == "event_callback" or payload["event"]:
        return _event(payload)
    return _interaction(payload)


def _event(payload: Node) -> WebhookEvent:
    event = payload["event"]
    channel = _id(event["channel"]) or event["item"]["channel"].text
    team = payload["team_id"].text or event["team"].text
    application = payload["api_app_id"].text
    sent_by = event["app_id"].text or event["bot_profile"]["app_id"].text
    return WebhookEvent(
        event=event["type"].text,
        action=event["subtype"].text,
        repo=team,
        title=event["reaction"].text,
        body=event["text"].text,
        channel=channel,
        thread=event["thread_ts"].text or event["ts"].text or event["item"]["ts"].text,
        sender=_id(event["user"]) or event["bot_id"].text,
        delivery_id=payload["event_id"].text,
        is_own=bool(application) and sent_by == application,
        compared=_compared(channel, team),
    )


def _command(payload: Node) -> WebhookEvent:
    channel, team = payload["channel_id"].text, payload["team_id"].text
    return WebhookEvent(
        event="slash_command",
        action=payload["command"].text,
        repo=team,
        title=payload["command"].text,
        body=payload["text"].text,
        channel=channel,
        sender=payload["user_id"].text,
        delivery_id=payload["trigger_id"].text,
        compared=_compared(channel, team),
    )


def _interaction(payload: Node) -> WebhookEvent:
    channel = _id(payload["channel"]) or payload["container"]["channel_id"].text
    team = _id(payload["team"]) or _id(payload["user"]["team_id"])
    action, message = payload["actions"].first, payload["message"]
    return WebhookEvent(
        event=payload["type"].text,
        action=action["action_id"].text or payload["callback_id"].text or payload["view"]["callback_id"].text,
        repo=team,
        title=action["text"]["text"].text,
        body=action["value"].text or payload["view"]["state"]["values"].json or message["text"].text,
        channel=channel,
        thread=message["thread_ts"].text or message["ts"].text,
        sender=_id(payload["user"]),
        delivery_id=payload["trigger_id"].text,
        compared=_compared(channel, team),
    )


def _compared(channel: str, team: str) -> dict[str, tuple[str, ...]]:
    return {"channels": (channel,) if channel else (), "team_ids": (team,) if team else ()}


def _id(node: Node) -> str:
    """An id that stands alone, or in an object."""
    return node.text or node["id"].text
