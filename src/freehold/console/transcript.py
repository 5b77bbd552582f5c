"""What a run said and did, as a page shows it: events become items, pieces of one text become one text (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from freehold.wire import events
from freehold.wire.events import AnyEvent

MOST_ITEMS = 400
"""On a page; what came before is in `freehold logs`."""
MOST_CONNECTIONS = 200
LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Item:
    """`detail` is what is folded away at first; `seq` is that of the item's first event."""

    seq: int
    kind: str
    title: str = ""
    text: str = ""
    detail: str = ""
    failed: bool = False
    open: bool = False


@dataclass(frozen=True)
class Transcript:
    """`left_out` items came before the first one; `last_seq` is the number of the last event that was read; `at_work`
    says that a turn of a chat is under way."""

    items: list[Item] = field(default_factory=list)
    connections: list[events.Egress] = field(default_factory=list)
    left_out: int = 0
    last_seq: int = 0
    at_work: bool = False


def transcript(lines: Iterable[bytes]) -> Transcript:
    """Of lines as the keeper tells them. What this version does not know is left out."""
    items: list[Item] = []
    tools: dict[str, int] = {}
    connections: list[events.Egress] = []
    last_seq, at_work = 0, False
    for line in lines:
        try:
            event = events.decode(line)
        except msgspec.DecodeError:
            continue
        last_seq = event.seq
        if isinstance(event, events.TurnStarted | events.TurnFinished):
            at_work = isinstance(event, events.TurnStarted)
        if isinstance(event, events.Egress):
            connections.append(event)
        elif isinstance(event, events.ToolFinished):
            _finish_tool(event, items, tools)
        elif item := _item(event):
            if isinstance(event, events.ToolStarted):
                tools[event.tool_call_id] = len(items)
            _add(items, item)
    left_out = max(len(items) - MOST_ITEMS, 0)
    return Transcript(items[left_out:], connections[-MOST_CONNECTIONS:], left_out, last_seq, at_work)


def _add(items: list[Item], item: Item) -> None:
    """Consecutive pieces are one text."""
    last = items[-1] if items else None
    if last and item.kind in ("said", "thought") and last.kind == item.kind:
        items[-1] = replace(last, text=_cut(last.text + item.text))
    else:
        items.append(replace(item, text=_cut(item.text), detail=_cut(item.detail)))


def _finish_tool(event: events.ToolFinished, items: list[Item], tools: dict[str, int]) -> None:
    place, failed = tools.get(event.tool_call_id), event.status != "completed"
    if place is None:
        items.append(Item(event.seq, "tool", event.tool_call_id, detail=_cut(event.output), failed=failed))
        return
    begun = items[place]
    detail = "\n\n".join(part for part in (begun.detail, event.output) if part)
    items[place] = replace(begun, detail=_cut(detail), failed=failed, open=False)


def _item(event: AnyEvent) -> Item | None:
    match event:
        case events.Message(seq=seq, text=text):
            return Item(seq, "said", text=text)
        case events.Thought(seq=seq, text=text):
            return Item(seq, "thought", text=text)
        case events.ToolStarted(seq=seq, title=title, kind=kind, input=given):
            return Item(seq, "tool", title or kind, detail=_written(given), open=True)
        case events.HookOutput(seq=seq, hook=hook, text=text, exit_code=code):
            return Item(seq, "hook", f"hook {hook}", detail=text, failed=bool(code))
        case events.Return(seq=seq, value=value):
            return Item(seq, "returned", "returned", value)
        case events.Log(seq=seq, level=level, text=text):
            return Item(seq, "log", level, text, failed=level == "error")
        case events.TurnStarted(seq=seq, text=text, by=by):
            return Item(seq, "person", by, text)
        case _:
            return _of_the_host(event)


def _of_the_host(event: AnyEvent) -> Item | None:
    match event:
        case events.Limit(seq=seq, limit=limit, message=message):
            return Item(seq, "limit", limit, message, failed=True)
        case events.PermissionAsked(seq=seq, title=title):
            return Item(seq, "asked", "asked for permission", title)
        case events.PermissionAnswered(seq=seq, option_id=option, by=by):
            return Item(seq, "answered", f"answered by {by}", option or "cancelled")
        case events.ModelRequest(seq=seq, model=model, error=error) if error:
            return Item(seq, "log", f"model {model}", error, failed=True)
        case events.Call(seq=seq, agent=agent):
            return Item(seq, "log", "called", agent)
        case events.Lock(seq=seq, action=action, uri=uri, ok=ok):
            return Item(seq, "log", action, uri, failed=not ok)
        case events.TurnFinished(seq=seq, error=error) if error:
            return Item(seq, "log", "not answered", error.message, failed=True)
        case _:
            return None


def _written(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " …"
