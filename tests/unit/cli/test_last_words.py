"""What was said last in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.cli.last_words import TAIL_BYTES, last_words
from freehold.wire import events
from freehold.wire.events import AnyEvent
from freehold.wire.runs import Phase, Usage

REQUEST = events.ModelRequest(
    model="m", provider="p", wire_format="w", status=200, usage=Usage(), cost_usd=0.0, first_byte_s=0.1, duration_s=0.2
)
CASES: list[tuple[list[AnyEvent], str]] = [
    ([], ""),
    ([events.PhaseStarted(phase=Phase.PRE_HOOKS)], "pre hooks"),
    ([events.Message(text="one\ntw"), events.Message(text="o\n\n")], "two"),
    ([events.Message(text="one"), events.ToolStarted(tool_call_id="1", title="ls\n-l")], "$ ls ⏎ -l"),
    ([events.ToolStarted(tool_call_id="1", title="ls"), events.Message(text="done")], "done"),
    ([events.Status(text="working\x1b[2J"), REQUEST], "working[2J"),
    ([events.PermissionAsked(permission_id="1", title="rm", options=[])], "asks for permission: rm"),
]


@pytest.mark.parametrize(("told", "words"), CASES)
def test_the_last_word_is_found(tmp_path: Path, told: list[AnyEvent], words: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(map(events.encode, told)) + b'{"type": "mess')
    assert last_words(path) == words


def test_only_the_end_of_a_long_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    long = events.encode(events.Message(text="x" * TAIL_BYTES))
    path.write_bytes(events.encode(events.Status(text="first")) + long + events.encode(events.Status(text="last")))
    assert last_words(path) == "last"
    path.write_bytes(events.encode(events.Status(text="first")) + long)
    assert last_words(path) == ""
    assert last_words(tmp_path / "nothing") == ""
