"""What senders want to hear before, or instead of, what everybody else is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.base.words import plural
from freehold.project.webhooks import WebhookSource
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import payload_of
from freehold.webhooks.readers.discord import PING

_CRC_TOKEN = re.compile(r"[A-Za-z0-9+/=_.-]{1,256}")
"""What X sends is base64, or an id. Its signatures and its challenges have the same key and form, so that whoever
chooses the token is handed the signature of a body that says the same: in these characters no JSON object can be
written."""

_EPHEMERAL = 64
"""Discord's flag for a message that only the one who asked can see."""


def answer_challenge(source: WebhookSource, delivery: Delivery) -> Mapping[str, object] | None:
    """What a verified delivery is to be answered with, that only asks whether anybody is there; None when it is none.

    The answer is JSON with status 200, and starts nothing: GitHub's and Gitea's ping, Slack's `url_verification` and
    `ssl_check`, Discord's PING. An empty one is an empty body. Raises as `read` does.
    """
    match source.type:
        case "github" if delivery.header("x-github-event") == "ping":
            return {"ok": True, "matched": 0, "skipped": 0}
        case "slack":
            payload = payload_of(delivery, plain_forms=True)
            if payload["type"].text == "url_verification":
                return {"challenge": payload["challenge"].text}
            return {} if payload["ssl_check"].word == "1" else None
        case "discord" if payload_of(delivery)["type"].number == PING:
            return {"type": 1}
        case _:
            return None


def answer_crc(
    sources: Sequence[WebhookSource], query: Mapping[str, str], secrets: Mapping[str, Secret]
) -> Mapping[str, object]:
    """What X's challenge (a GET with `crc_token`) is answered with. `sources` are those at the path.

    Raises `FreeholdError`: `NOT_FOUND` for sources that are asked nothing by GET, `PROTOCOL` for a token that X does
    not send, `CONFLICT` where several sources have several secrets, `DENIED` where none is stored.
    """
    if any(source.type != "twitter" for source in sources):
        raise FreeholdError(Code.NOT_FOUND, "webhooks are sent by POST")
    token = query.get("crc_token", "")
    if not _CRC_TOKEN.fullmatch(token):
        raise FreeholdError(Code.PROTOCOL, "crc_token is missing, or is none of X")
    instances = {source.secret.ref.instance for source in sources if source.secret}
    if len(instances) > 1:
        raise FreeholdError(
            Code.CONFLICT,
            "several webhook sources of X have several secrets, and the challenge does not say which it is for",
            f"register the address of one: /webhooks/{sources[0].name}",
        )
    secret = next((secrets[instance] for instance in instances if secrets.get(instance)), None)
    if secret is None:
        raise FreeholdError(
            Code.DENIED, f'webhook source "{sources[0].name}": no secret is stored', "freehold creds add x_twitter_api"
        )
    digest = hmac.digest(secret.reveal().encode(), token.encode(), hashlib.sha256)
    return {"response_token": f"sha256={base64.b64encode(digest).decode()}"}


def answer_accepted(event: WebhookEvent, started: int) -> Mapping[str, object] | None:
    """What a person sees who sent a command, where the sender's program shows it; None where nobody looks at it.

    It stands instead of our own answer; an empty one is an empty body. Discord and Slack show an error to the person
    when they do not get what they expect within three seconds.
    """
    text = f"Taken: {plural(started, 'agent')} started." if started else "No agent is set up for this."
    match event.source, event.event:
        case "discord", "message_component":
            return {"type": 6}
        case "discord", "autocomplete":
            return {"type": 8, "data": {"choices": []}}
        case "discord", _:
            return {"type": 4, "data": {"content": text, "flags": _EPHEMERAL}}
        case "slack", "slash_command":
            return {"response_type": "ephemeral", "text": text}
        case "slack", _:
            return {}
        case _:
            return None
