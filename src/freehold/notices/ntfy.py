"""A notice as ntfy shows it: https://docs.ntfy.sh/publish/#publish-as-json. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from freehold.notices.message import Message, Urgency
from freehold.project.notices import NoticeKind

LONGEST_BYTES = 3800
"""A message of more than 4096 bytes becomes an attachment."""
MOST_ACTIONS = 3
_PRIORITY = {Urgency.LOW: 2, Urgency.NORMAL: 3, Urgency.HIGH: 4}
_TAGS = {
    NoticeKind.FAILED: "x",
    NoticeKind.COMPLETED: "white_check_mark",
    NoticeKind.BUDGET: "moneybag",
    NoticeKind.DEAD_LETTER: "envelope",
    NoticeKind.PERMISSION: "raised_hand",
}


def place_of(url: str) -> tuple[str, str]:
    """The server's root, where messages are published, and the topic."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "/", "", "")), parts.path.strip("/")


def payload(message: Message, topic: str) -> dict[str, Any]:
    """Answers are links that open a page: nothing is answered before a person says so there."""
    facts = " · ".join(f"{name}: {value}" for name, value in message.facts)
    links = [*message.answers, *([message.page] if message.page else [])][:MOST_ACTIONS]
    told: dict[str, Any] = {
        "topic": topic,
        "title": f"{message.project}: {message.title}",
        "message": _within("\n\n".join(filter(None, (message.text, message.hint, facts))) or message.title),
        "priority": _PRIORITY[message.urgency],
        "tags": [_TAGS[NoticeKind(message.kind)]] if message.kind in set(NoticeKind) else ["bell"],
    }
    if message.page:
        told["click"] = message.page.url
    if links:
        told["actions"] = [{"action": "view", "label": link.label, "url": link.url} for link in links]
    return told


def _within(text: str) -> str:
    encoded = text.encode()
    return text if len(encoded) <= LONGEST_BYTES else encoded[:LONGEST_BYTES].decode(errors="ignore") + " …"
