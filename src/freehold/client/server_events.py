"""Server-sent events: from lines to events (WHATWG HTML, "Event stream interpretation")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerEvent:
    """`id` is what to go on after when the stream breaks; `name` is `message` where none was given."""

    name: str
    data: bytes
    id: str = ""


def server_events(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """The events in `lines`, which keep their ends. What was begun and not ended by an empty line is none."""
    name, data, last_id = "", list[bytes](), ""
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        if not line:
            if data:
                yield ServerEvent(name or "message", b"\n".join(data), last_id)
            name, data = "", []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode(errors="replace")
        elif field == b"id" and b"\0" not in value:
            last_id = value.decode(errors="replace")
