"""What a run said and did, as a page shows it: events become items, pieces of one text become one text (pure)."""

from __future__ import annotations

from collections import deque
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
MOST_OPTIONS = 1_000
MOST_CHARACTERS = 2_000_000
"""Of all that a page shows of it: a browser is sent as much at each renewal."""


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

    @property
    def characters(self) -> int:
        return len(self.text) + len(self.detail)


@dataclass(frozen=True)
class Transcript:
    """`left_out` items came before the first one; `last_seq` is the number of the last event that was read; `at_work`
    says that a turn of a chat is under way."""

    items: list[Item] = field(default_factory=list)
    connections: list[events.Egress] = field(default_factory=list)
    left_out: int = 0
    last_seq: int = 0
    at_work: bool = False


class Hearing:
    """Listens to a run: it remembers no more than a page shows, and may hear more at any time."""

    def __init__(self) -> None:
        self._items: dict[int, Item] = {}
        self._next = 0
        self._characters = 0
        self._tools: dict[str, int] = {}
        self._hooks: dict[str, int] = {}
        self._options: dict[tuple[str, str], str] = {}
        """What the options are called that a person was given, by permission and option."""
        self._connections: deque[events.Egress] = deque(maxlen=MOST_CONNECTIONS)
        self._at_work = False
        self.last_seq = 0

    def hear(self, line: bytes) -> None:
        """An event as the keeper tells it. What was heard before, and what this version does not know, is left out."""
        try:
            event = events.decode(line)
        except msgspec.DecodeError:
            return
        if event.seq <= self.last_seq:
            return
        self.last_seq = event.seq
        if isinstance(event, events.TurnStarted | events.TurnFinished):
            self._at_work = isinstance(event, events.TurnStarted)
        if isinstance(event, events.PermissionAsked):
            if len(self._options) > MOST_OPTIONS:  # of questions that nobody answered
                self._options.clear()
            self._options.update({(event.permission_id, one.id): one.name for one in event.options})
        if isinstance(event, events.PermissionAnswered):
            named = self._options.get((event.permission_id, event.option_id), event.option_id)
            self._add(Item(event.seq, "answered", f"answered by {event.by}", named or "cancelled"))
        elif isinstance(event, events.Egress):
            self._connections.append(event)
        elif isinstance(event, events.ToolFinished):
            self._finish_tool(event)
        elif isinstance(event, events.HookOutput):
            self._hear_hook(event)
        elif item := _item(event):
            self._add(item)
            if isinstance(event, events.ToolStarted):
                self._tools[event.tool_call_id] = self._next - 1
        self._forget_oldest()

    def transcript(self) -> Transcript:
        """What was heard until now."""
        items = list(self._items.values())
        return Transcript(items, list(self._connections), self._next - len(items), self.last_seq, self._at_work)

    def _add(self, item: Item) -> None:
        """Consecutive pieces are one text."""
        last = self._items.get(self._next - 1)
        if last and item.kind in ("said", "thought") and last.kind == item.kind:
            if len(last.text) <= LONGEST_TEXT:  # else it is cut already
                self._put(self._next - 1, replace(last, text=last.text + item.text))
            return
        self._put(self._next, item)
        self._next += 1

    def _hear_hook(self, event: events.HookOutput) -> None:
        """A command's output comes in pieces, and its exit code after the last one: all that is one item."""
        place, over = self._hooks.pop(event.hook, -1), event.exit_code is not None
        begun = self._items.get(place)
        if begun is None:
            place = self._next
            self._add(Item(event.seq, "hook", f"hook {event.hook}", detail=event.text, failed=bool(event.exit_code)))
            begun = self._items[place]
        else:
            more = event.text if len(begun.detail) <= LONGEST_TEXT else ""  # else it is cut already
            begun = replace(begun, detail=begun.detail + more, failed=bool(event.exit_code))
        self._put(place, replace(begun, open=not over))
        if not over:
            self._hooks[event.hook] = place

    def _finish_tool(self, event: events.ToolFinished) -> None:
        place, failed = self._tools.pop(event.tool_call_id, -1), event.status != "completed"
        begun = self._items.get(place)
        if begun is None:
            self._add(Item(event.seq, "tool", event.tool_call_id, detail=event.output, failed=failed))
            return
        detail = "\n\n".join(part for part in (begun.detail, event.output) if part)
        self._put(place, replace(begun, detail=detail, failed=failed, open=False))

    def _put(self, place: int, item: Item) -> None:
        before = self._items.get(place)
        cut = replace(item, text=_cut(item.text), detail=_cut(item.detail))
        self._characters += cut.characters - (before.characters if before else 0)
        self._items[place] = cut

    def _forget_oldest(self) -> None:
        while len(self._items) > MOST_ITEMS or (self._characters > MOST_CHARACTERS and len(self._items) > 1):
            first = next(iter(self._items))
            self._characters -= self._items.pop(first).characters
        for begun in (self._tools, self._hooks):
            if len(begun) > 2 * MOST_ITEMS:  # of what never ended
                kept = {name: place for name, place in begun.items() if place in self._items}
                begun.clear()
                begun.update(kept)


def transcript(lines: Iterable[bytes]) -> Transcript:
    """Of lines as the keeper tells them."""
    hearing = Hearing()
    for line in lines:
        hearing.hear(line)
    return hearing.transcript()


def _item(event: AnyEvent) -> Item | None:
    match event:
        case events.Message(seq=seq, text=text):
            return Item(seq, "said", text=text)
        case events.Thought(seq=seq, text=text):
            return Item(seq, "thought", text=text)
        case events.ToolStarted(seq=seq, title=title, kind=kind, input=given):
            return Item(seq, "tool", title or kind, detail=_written(given), open=True)
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
        case events.ModelRequest(seq=seq, model=model, error=error) if error:
            return Item(seq, "log", f"model {model}", error, failed=True)
        case events.Call(seq=seq, agent=agent):
            return Item(seq, "log", "called", agent)
        case events.Lock(seq=seq, action=action, uri=uri, ok=ok):
            return Item(seq, "log", action, uri, failed=not ok)
        case events.TurnFinished(seq=seq, error=error) if error:
            return Item(seq, "log", "not answered", error.message, failed=True)
        case events.TurnFinished(seq=seq, stop_reason="cancelled"):
            return Item(seq, "log", "interrupted")
        case _:
            return None


def _written(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " …"
