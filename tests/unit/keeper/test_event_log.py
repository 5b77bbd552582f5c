"""The event log: numbered without gaps, whole after a crash, followed while it grows."""

from __future__ import annotations

import asyncio
import resource
import signal
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.redaction import Redaction
from freehold.base.secret import Secret
from freehold.keeper.event_log import EventLog, each_event, read_events
from freehold.wire.events import AnyEvent, Egress, Limit, Message, PhaseStarted, RunFinished, ToolStarted
from freehold.wire.runs import Outcome, Phase, Result, Trigger

RUN = "dev-01hzx3k5a6b7c8d9e0f1g2h3j4"
FINISHED = RunFinished.of(Outcome(agent="dev", attempt=1, trigger=Trigger(), result=Result.COMPLETED))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def open_log(path: Path) -> EventLog:
    return EventLog(path, RUN, FakeClock())


def test_numbers_and_stamps_each_event(path: Path) -> None:
    log = open_log(path)
    log.append(Message(text="one"))
    log.append(Message(text="two"))
    assert [(event.seq, event.run_id, event.ts) for event in read_events(path)] == [
        (1, RUN, "2026-01-01T00:00:00.000Z"),
        (2, RUN, "2026-01-01T00:00:00.000Z"),
    ]


@pytest.mark.parametrize("torn", [b'{"v":1,"seq":3', b'{"v":1,"seq":3,"type":"message","text":"x"}', b"\xff\xfe\n"])
def test_a_torn_end_is_cut_off_and_numbering_goes_on(path: Path, torn: bytes) -> None:
    log = open_log(path)
    log.append(Message(text="one"))
    log.append(Message(text="two"))
    log.close()
    with path.open("ab") as file:
        file.write(torn)
    again = open_log(path)
    again.append(Message(text="three"))
    assert [event.seq for event in read_events(path)] == [1, 2, 3]
    assert path.read_bytes().count(b"\n") == 3


def test_reopening_knows_how_many_container_lines_were_taken_and_that_the_run_finished(path: Path) -> None:
    log = open_log(path)
    log.append(Message(text="one", container_seq=1))
    log.append(Limit(limit="forged_event", message="dropped", container_seq=2))
    log.append(FINISHED)
    log.close()
    again = open_log(path)
    assert again.container_lines == 2
    assert again.finished is not None
    assert again.finished.result == Result.COMPLETED


async def test_followers_see_what_was_there_and_what_comes_until_the_end(path: Path) -> None:
    log = open_log(path)
    log.append(Message(text="before"))

    async def collect(after: int) -> list[AnyEvent]:
        return [event async for event in log.follow(after)]

    early = asyncio.create_task(collect(0))
    late = asyncio.create_task(collect(1))
    await asyncio.sleep(0)
    log.append(Message(text="during"))
    log.append(FINISHED)
    assert [event.seq for event in await early] == [1, 2, 3]
    assert [event.seq for event in await late] == [2, 3]


async def test_not_live_ends_with_what_there_is(path: Path) -> None:
    log = open_log(path)
    log.append(Message(text="one"))
    assert [event.seq async for event in log.follow(live=False)] == [1]


def test_a_full_disk_is_an_error_that_leaves_the_file_whole(path: Path) -> None:
    log = open_log(path)
    log.append(Message(text="fits"))
    whole = path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 40, before[1]))
    try:
        with pytest.raises(FreeholdError) as raised:
            log.append(Message(text="does not fit" * 10))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert raised.value.code is Code.DISK
    assert str(path) in raised.value.message
    assert path.read_bytes() == whole
    log.append(Message(text="room again"))
    assert [event.seq for event in read_events(path)] == [1, 2]


@pytest.mark.parametrize("over", ["finished", "closed"])
def test_nothing_is_written_after_the_end(path: Path, over: str) -> None:
    log = open_log(path)
    log.append(FINISHED if over == "finished" else Message(text="last"))
    if over == "closed":
        log.close()
    before = path.read_bytes()
    with pytest.raises(FreeholdError) as raised:
        log.append(Message(text="late"))
    assert raised.value.code is Code.CONFLICT
    assert path.read_bytes() == before
    log.close()


async def test_followers_of_a_log_that_is_closed_without_a_result_are_let_go(path: Path) -> None:
    log = open_log(path)
    log.append(Message(text="one"))

    async def collect() -> list[AnyEvent]:
        return [event async for event in log.follow()]

    following = asyncio.create_task(collect())
    await asyncio.sleep(0)
    log.close()
    assert len(await following) == 1


def test_secrets_are_blacked_out_whatever_way_they_come(path: Path) -> None:
    log = open_log(path)
    log.redact(Redaction([Secret("canary-123"), Secret("session")]))
    log.append(Message(text="it is canary-123"))
    log.append(ToolStarted(tool_call_id="1", title="echo canary-123", input={"command": ["canary-123"]}))
    log.append(Egress(host="canary-123.evil.test", port=443, allowed=False, reason="canary-123"))
    log.append(PhaseStarted(phase=Phase.SESSION))
    assert b"canary-123" not in path.read_bytes()
    message, tool, egress, phase = read_events(path)
    assert isinstance(message, Message)
    assert message.text == "it is [hidden]"
    assert isinstance(tool, ToolStarted)
    assert tool.input == {"command": ["[hidden]"]}
    assert isinstance(egress, Egress)
    assert egress.host == "[hidden].evil.test"
    assert isinstance(phase, PhaseStarted)
    assert phase.phase is Phase.SESSION, "words of ours are left alone"


async def test_a_long_log_is_followed_from_where_it_was_left(path: Path) -> None:
    log = open_log(path)
    for number in range(1, 3_001):
        log.append(Message(text=f"{number} {'x' * 200}"))
    for after in (0, 1, 1_500, 2_999, 3_000):
        found = [event.seq async for event in log.follow(after, live=False)]
        assert found == list(range(after + 1, 3_001))
        assert [event.seq for event in each_event(path, after)] == found
    log.append(FINISHED)
    assert [event.seq async for event in log.follow(3_000)] == [3_001]
    async with asyncio.timeout(10):
        assert [event.seq async for event in log.follow(3_001)] == []  # it has had the last word
    log.close()
