"""A notice for a program: JSON, signed as https://www.standardwebhooks.com says, so that it can be verified. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

import msgspec

from freehold.base.secret import Secret
from freehold.notices.message import Message

PREFIX = "whsec_"


def body_of(message: Message) -> bytes:
    """`{type, timestamp, data}`: `type` is `notice.failed` … or `notice.digest`."""
    links = [{"name": link.label, "url": link.url} for link in message.answers]
    data: dict[str, Any] = {"project": message.project, "notices": message.notices}
    if message.left_out:
        data["left_out"] = message.left_out
    if message.page:
        data["page"] = message.page.url
    if links:
        data["answers"] = links
    return msgspec.json.encode({"type": f"notice.{message.kind}", "timestamp": message.at, "data": data})


def headers_of(message: Message, body: bytes, secret: Secret, now: datetime) -> dict[str, str]:
    """The three headers. `webhook-id` is the same when a message is sent again: who has seen it may leave it."""
    stamp = str(int(now.timestamp()))
    signed = f"{message.id}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }


def key_of(secret: Secret) -> bytes:
    """The bytes behind `whsec_` in base 64; of any other secret, its own."""
    value = secret.reveal()
    if value.startswith(PREFIX):
        try:
            return base64.b64decode(value.removeprefix(PREFIX), validate=True) or value.encode()
        except ValueError:
            return value.encode()
    return value.encode()
