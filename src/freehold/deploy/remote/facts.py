"""All that a push asks of a server, in one go: first the lease, where one is wanted, then each part's `read`."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused


def main(document: dict[str, str]) -> dict[str, Any]:
    asked = json.loads(zlib.decompress(base64.b64decode(document["packed"])))
    if asked["lease"]:
        held = _room(asked["lease"])["take"](asked["lease"]["asked"])["held"]
        if held:
            return {"held": held, "parts": {}}
    return {"held": None, "parts": {part["name"]: _room(part)["read"](part["asked"]) for part in asked["parts"]}}


def _room(part: dict[str, Any]) -> dict[str, Any]:
    room = {"__name__": part["name"], "Refused": Refused}
    exec(compile(part["remote"], part["name"], "exec"), room)  # noqa: S102  it was sent along, by the same push
    return room
