"""A notice as Slack shows it: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/. Pure."""

from __future__ import annotations

from typing import Any

from freehold.notices.links import Link
from freehold.notices.message import Message

LONGEST_HEADER = 150
LONGEST_SECTION = 3000
"""Characters, of Slack's own (https://docs.slack.dev/reference/block-kit/blocks)."""


def payload(message: Message) -> dict[str, Any]:
    """Blocks, and the same as one text for where those are not shown. Words of others stand in blocks of plain text,
    in which Slack looks for nothing; all else is escaped, so that nobody is called by `<!channel>`.
    """
    title = f"{message.project}: {message.title}"
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(title, LONGEST_HEADER)}]
    blocks += [{"type": "section", "text": _plain(text, LONGEST_SECTION)} for text in _texts(message) if text]
    links = [*message.answers, *([message.page] if message.page else [])]
    if links:
        # Not buttons: Slack wants an answer from whoever sends them.
        text = "  ·  ".join(map(_link, links))
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text[:LONGEST_SECTION]}})
    if message.facts:
        facts = "  ·  ".join(f"{name}: {value}" for name, value in message.facts)
        blocks.append({"type": "context", "elements": [_plain(facts, LONGEST_SECTION)]})
    fallback = escaped("\n".join([title, *filter(None, _texts(message))]))
    return {"text": fallback, "blocks": blocks, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _texts(message: Message) -> tuple[str, str]:
    return message.text, message.hint


def _plain(text: str, longest: int) -> dict[str, Any]:
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return {"type": "plain_text", "text": cut, "emoji": False}


def _link(link: Link) -> str:
    return f"<{link.url}|{escaped(link.label).replace('|', '/')}>"
