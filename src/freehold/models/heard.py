"""What an answer said, put together again from its wire format: the text, and the calls of tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from freehold.project.wire_formats import WireFormat

Json = dict[str, Any]

LONGEST_HEARD = 8 * 1024 * 1024
"""Bytes of one answer's events; a longer one is not recorded. 128k tokens are about 1.5 MB, each in an event."""


@dataclass
class HeardCall:
    name: str
    arguments: Json = field(default_factory=dict)
    partial: str = ""
    """Arguments as they come, in pieces of JSON."""


@dataclass
class Heard:
    """One answer: what was said, the calls that were made, and whether it came to its end."""

    wire_format: WireFormat
    text: str = ""
    calls: list[HeardCall] = field(default_factory=list)
    finished: bool = False
    _by_index: dict[int, HeardCall] = field(default_factory=dict)
    _heard_bytes: int = 0

    def take_event(self, payload: bytes) -> None:
        """Listen to one event of a stream."""
        self._heard_bytes += len(payload)
        if self._heard_bytes > LONGEST_HEARD:
            self.text, self.calls, self.finished = "", [], False
            return
        event = _decoded(payload)
        if self.wire_format is WireFormat.ANTHROPIC_MESSAGES:
            self._anthropic(event)
        elif self.wire_format is WireFormat.OPENAI_CHAT:
            self._chat(event, "delta")
        elif self.wire_format is WireFormat.OPENAI_RESPONSES:
            self._responses(event)
        else:
            self._google(event)

    def take_body(self, body: bytes) -> None:
        """Listen to an answer that came in one piece."""
        table = _decoded(body)
        if self.wire_format is WireFormat.ANTHROPIC_MESSAGES:
            for block in _tables(table.get("content")):
                self._block(block)
        elif self.wire_format is WireFormat.OPENAI_CHAT:
            self._chat(table, "message")
        elif self.wire_format is WireFormat.OPENAI_RESPONSES:
            self._items(table)
        else:
            self._google(table)
        self._finish()

    def _anthropic(self, event: Json) -> None:
        kind, delta = event.get("type"), _table(event.get("delta"))
        call = self._by_index.get(_index(event))
        if kind == "content_block_start":
            started = self._block(_table(event.get("content_block")))
            if started is not None:
                self._by_index[_index(event)] = started
        elif delta.get("type") == "text_delta":
            self.text += str(delta.get("text") or "")
        elif delta.get("type") == "input_json_delta" and call is not None:
            call.partial += str(delta.get("partial_json") or "")
        elif kind == "message_stop":
            self._finish()

    def _block(self, block: Json) -> HeardCall | None:
        if block.get("type") == "text":
            self.text += str(block.get("text") or "")
        if block.get("type") != "tool_use":
            return None
        self.calls.append(HeardCall(str(block.get("name")), _table(block.get("input"))))
        return self.calls[-1]

    def _chat(self, chunk: Json, key: str) -> None:
        for choice in _tables(chunk.get("choices"))[:1]:
            message = _table(choice.get(key))
            self.text += str(message.get("content") or "")
            for part in _tables(message.get("tool_calls")):
                function = _table(part.get("function"))
                index = _index(part) if "index" in part else len(self.calls)
                if index not in self._by_index:
                    self.calls.append(HeardCall(""))
                    self._by_index[index] = self.calls[-1]
                self._by_index[index].name += str(function.get("name") or "")
                self._by_index[index].partial += str(function.get("arguments") or "")
            if choice.get("finish_reason"):
                self._finish()

    def _responses(self, event: Json) -> None:
        # The last event repeats everything; an answer that ended otherwise is none.
        if event.get("type") in ("response.completed", "response.incomplete"):
            self._items(_table(event.get("response")))
            self._finish()
        elif event.get("type") == "response.output_item.done":
            self._items({"output": [event.get("item")]}, again=False)

    def _items(self, response: Json, *, again: bool = True) -> None:
        items = _tables(response.get("output"))
        if again and items:  # what was heard item by item is heard here once more
            self.text, self.calls = "", []
        for item in items:
            for part in _tables(item.get("content")):
                self.text += str(part.get("text") or "") if part.get("type") == "output_text" else ""
            kind, action = item.get("type"), _table(item.get("action"))
            if kind == "function_call":
                self.calls.append(HeardCall(str(item.get("name")), partial=str(item.get("arguments") or "")))
            elif kind in ("local_shell_call", "shell_call"):
                self.calls.append(HeardCall(str(kind).removesuffix("_call"), action))
            elif kind == "custom_tool_call":
                self.calls.append(HeardCall(str(item.get("name")), {"input": item.get("input")}))

    def _google(self, chunk: Json) -> None:
        for candidate in _tables(chunk.get("candidates"))[:1]:
            for part in _tables(_table(candidate.get("content")).get("parts")):
                if not part.get("thought"):
                    self.text += str(part.get("text") or "")
                call = _table(part.get("functionCall"))
                if call:
                    self.calls.append(HeardCall(str(call.get("name")), _table(call.get("args"))))
            if candidate.get("finishReason"):
                self._finish()

    def _finish(self) -> None:
        for call in self.calls:
            call.arguments = _decoded(call.partial.encode()) or call.arguments
        self.finished = True


def _decoded(data: bytes) -> Json:
    try:
        return _table(msgspec.json.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _index(table: Json) -> int:
    index = table.get("index")
    return index if isinstance(index, int) else 0


def _table(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[Json]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
