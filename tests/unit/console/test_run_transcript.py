from __future__ import annotations

import pytest

from freehold.console.transcript import LONGEST_TEXT, MOST_ITEMS, transcript
from freehold.wire import events
from freehold.wire.events import AnyEvent
from freehold.wire.permission import PermissionOption
from tests.support.hostile import EVENT_TYPES, NASTY, event_of


def _lines(*told: AnyEvent) -> list[bytes]:
    return [events.encode(event) for event in told]


def test_pieces_become_one_text_and_a_tool_one_item() -> None:
    read = transcript(
        _lines(
            events.Message(seq=1, text="I look "),
            events.Message(seq=2, text="at it."),
            events.ToolStarted(seq=3, tool_call_id="t", title="Run ls", input={"command": "ls"}),
            events.Message(seq=4, text="Meanwhile"),
            events.ToolFinished(seq=5, tool_call_id="t", status="failed", output="no such file"),
        )
    )
    assert [(item.seq, item.kind, item.text) for item in read.items] == [
        (1, "said", "I look at it."), (3, "tool", ""), (4, "said", "Meanwhile"),
    ]  # fmt: skip
    tool = read.items[1]
    assert tool.failed
    assert not tool.open
    assert '"command": "ls"' in tool.detail
    assert tool.detail.endswith("no such file")
    assert read.last_seq == 5


def test_the_output_of_a_command_and_its_exit_code_are_one_item() -> None:
    read = transcript(
        _lines(
            events.HookOutput(seq=1, hook="context 1", text="one\n"),
            events.Lock(seq=2, action="lock", uri="a://b", ok=True),
            events.HookOutput(seq=3, hook="context 1", text="two\n"),
            events.HookOutput(seq=4, hook="context 1", text="", exit_code=1),
            events.HookOutput(seq=5, hook="context 2", text="", exit_code=0),
            events.HookOutput(seq=6, hook="context 1", text="a chat runs it again", exit_code=0),
        )
    )
    assert [(item.seq, item.title, item.detail, item.failed, item.open) for item in read.items] == [
        (1, "hook context 1", "one\ntwo\n", True, False),
        (2, "lock", "", False, False),
        (5, "hook context 2", "", False, False),
        (6, "hook context 1", "a chat runs it again", False, False),
    ]


def test_an_answer_is_told_by_what_its_option_is_called() -> None:
    options = [PermissionOption("allow_always", "Always allow bash", "allow_always")]
    read = transcript(
        _lines(
            events.PermissionAsked(seq=1, permission_id="p1", title="Run rm", options=options),
            events.PermissionAsked(seq=2, permission_id="p2", title="Run ls", options=options),
            events.PermissionAnswered(seq=3, permission_id="p1", option_id="allow_always", by="person"),
            events.PermissionAnswered(seq=4, permission_id="p2", option_id="", by="deadline"),
            events.PermissionAnswered(seq=5, permission_id="p3", option_id="unseen", by="policy"),
        )
    )
    assert [(item.title, item.text) for item in read.items[2:]] == [
        ("answered by person", "Always allow bash"), ("answered by deadline", "cancelled"),
        ("answered by policy", "unseen"),
    ]  # fmt: skip


def test_what_is_not_known_is_left_out_and_much_is_cut() -> None:
    log = [events.Log(seq=number, level="info", text="x") for number in range(1, MOST_ITEMS + 11)]
    read = transcript([b"{", b'{"type":"of tomorrow","seq":1}', *_lines(*log)])
    assert (len(read.items), read.left_out) == (MOST_ITEMS, 10)
    long = transcript(_lines(*(events.Message(seq=number, text="y" * 9_000) for number in range(1, 5))))
    assert len(long.items[0].text) <= LONGEST_TEXT + 2


def test_a_tool_that_nobody_saw_begin_is_shown() -> None:
    [item] = transcript(_lines(events.ToolFinished(seq=1, tool_call_id="t", status="completed", output="done"))).items
    assert (item.kind, item.title, item.detail, item.failed) == ("tool", "t", "done", False)


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_kind_of_event_is_read(kind: type[events.Event]) -> None:
    transcript(_lines(event_of(kind, NASTY)))
