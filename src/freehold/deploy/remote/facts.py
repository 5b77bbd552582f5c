"""All that a push asks of a server, in one go: first the lease, where one is wanted, then each part's `read`."""

from __future__ import annotations

import base64
import json
import threading
import zlib
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from freehold.deploy.remote.refused import Refused

_AT_ONCE = 8


def main(document: dict[str, str]) -> dict[str, Any]:
    asked = json.loads(zlib.decompress(base64.b64decode(document["packed"])))
    held = _room(asked["lease"])["take"](asked["lease"]["asked"])["held"] if asked["lease"] else None
    parts = [] if held else asked["parts"]
    once = Once(parts)
    # Most of their time they wait for other programs.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda part: _read(part, once), parts))
    told = {part["name"]: answer for part, answer in zip(parts, answers, strict=True)}
    return {"held": held, "packed": base64.b64encode(zlib.compress(json.dumps(told).encode())).decode()}


class Once:
    """Commands that several parts ask for (`sshd -T`) are run once, by the first that needs them."""

    def __init__(self, parts: list[dict[str, Any]]) -> None:
        asked = [part["asked"].get("commands", {}) for part in parts if isinstance(part["asked"], dict)]
        times = Counter(tuple(argv) for commands in asked for argv in commands.values())
        self._shared = {argv for argv, count in times.items() if count > 1}
        self._alone: defaultdict[tuple[str, ...], threading.Lock] = defaultdict(threading.Lock)
        self._told: dict[tuple[str, ...], Any] = {}

    def is_shared(self, argv: list[str]) -> bool:
        return tuple(argv) in self._shared

    def ask(self, argv: list[str], ran: Callable[[list[str]], Any]) -> Any:
        key = tuple(argv)
        with self._alone[key]:
            if key not in self._told:
                self._told[key] = ran(argv)
            return self._told[key]


def _read(part: dict[str, Any], once: Once) -> Any:
    room = _room(part)
    room["once"] = once
    return room["read"](part["asked"])


def _room(part: dict[str, Any]) -> dict[str, Any]:
    room = {"__name__": part["name"], "Refused": Refused}
    exec(compile(part["remote"], part["name"], "exec"), room)  # noqa: S102  it was sent along, by the same push
    return room
