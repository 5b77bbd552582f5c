"""A recorded run rehearses to the same calls, in every wire format."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from freehold.models.answers import WRITERS
from freehold.models.answers.speech import Speech, SpokenCall, in_pieces
from freehold.models.call import ModelCall, parse_call
from freehold.models.event_stream import EventStream
from freehold.models.record import Recorder
from freehold.models.rehearsal_file import FileToWrite, Turn, read_script
from freehold.models.rehearsal_text import Note
from freehold.models.routes import Operation, Route
from freehold.project.wire_formats import WireFormat

SPEECHES = [
    Speech(
        "1", "m", in_pieces("Let me look at the history."), SpokenCall("c1", "bash", {"command": "git log\nls 'x'"})
    ),
    Speech("2", "m", (), SpokenCall("c2", "write", {"path": "NOTES.md", "content": "- one\n- two\n"})),
    Speech("3", "m", in_pieces("Searching."), SpokenCall("c3", "web", {"query": "x"})),
    Speech("4", "m", in_pieces("Done: it is\nwritten.")),
]
ENTRIES = [
    Turn("Let me look at the history.", "git log\nls 'x'"),
    Turn(write=FileToWrite("NOTES.md", "- one\n- two\n")),
    Note("said: Searching."),
    Note("not rehearsed: web {'query': 'x'}"),
    Turn("Done: it is\nwritten."),
]


def call_of(wire_format: WireFormat, *, tools: bool = True) -> ModelCall:
    declared = {"functionDeclarations": [{"name": "bash"}]} if wire_format is WireFormat.GOOGLE else {"name": "bash"}
    body = {"model": "m", "tools": [declared] if tools else []}
    return parse_call(Route(wire_format, Operation.GENERATE, "m"), json.dumps(body).encode())


@pytest.mark.parametrize("wire_format", list(WireFormat))
@pytest.mark.parametrize("streaming", [True, False])
def test_what_was_heard_is_written_and_read_back(tmp_path: Path, wire_format: WireFormat, streaming: bool) -> None:
    recorder = Recorder(tmp_path / "rehearsal.yaml", "opencode")
    for speech in SPEECHES:
        watch = recorder.watch(call_of(wire_format))
        assert watch is not None
        if streaming:
            for payload in EventStream().feed(b"".join(WRITERS[wire_format].events(speech))).payloads:
                watch.event(payload)
        else:
            watch.body(msgspec.json.encode(WRITERS[wire_format].whole(speech)))
    assert recorder.entries() == ENTRIES
    assert recorder.write() == 3
    turns = read_script(tmp_path / "rehearsal.yaml").turns
    assert list(turns) == [entry for entry in ENTRIES if isinstance(entry, Turn)]
    assert (tmp_path / "rehearsal.yaml").read_text().startswith("# Recorded from a run of opencode.\n")


def test_titles_and_cut_answers_are_no_turns(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "rehearsal.yaml")
    assert recorder.watch(call_of(WireFormat.OPENAI_CHAT, tools=False)) is None
    watch = recorder.watch(call_of(WireFormat.OPENAI_CHAT))
    assert watch is not None
    watch.event(b'{"choices": [{"delta": {"content": "Half a sen"}}]}')
    assert recorder.write() == 0
    assert not (tmp_path / "rehearsal.yaml").exists()


def test_several_calls_in_one_answer_are_several_turns(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "rehearsal.yaml")
    watch = recorder.watch(call_of(WireFormat.ANTHROPIC_MESSAGES))
    assert watch is not None
    content = [
        {"type": "text", "text": "Both."},
        {"type": "tool_use", "id": "a", "name": "Bash", "input": {"command": "ls"}},
        {"type": "tool_use", "id": "b", "name": "Bash", "input": {"command": "pwd"}},
    ]
    watch.body(json.dumps({"content": content}).encode())
    assert recorder.entries() == [Turn("Both.", "ls"), Turn(shell="pwd")]


def test_an_answer_without_end_is_not_remembered(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "rehearsal.yaml")
    watch = recorder.watch(call_of(WireFormat.OPENAI_CHAT))
    assert watch is not None
    for _ in range(20):
        watch.event(msgspec.json.encode({"choices": [{"delta": {"content": "x" * 1024 * 1024}}]}))
    watch.event(msgspec.json.encode({"choices": [{"delta": {"content": "end"}, "finish_reason": "stop"}]}))
    assert recorder.entries() == []
    assert recorder.write() == 0
