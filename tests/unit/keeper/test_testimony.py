"""What a container may say: everything of its own kind, nothing of the host's, and not without end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.base.sockets import listen_unix
from freehold.keeper import testimony
from freehold.wire import events
from freehold.wire.events import AnyTestimony, Limit, Message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def taken(intake: testimony.Testimony) -> list[AnyTestimony | Limit]:
    """Everything there is, piece after piece."""
    found = intake.take()
    while intake.more:
        found += intake.take()
    return found


def line(text: str) -> bytes:
    return events.encode(Message(seq=999, run_id="forged", text=text))


def test_takes_lines_once_each_and_numbers_them_itself(path: Path) -> None:
    path.write_bytes(line("one") + line("two"))
    intake = testimony.Testimony(path)
    assert [(event.container_seq, getattr(event, "text", "")) for event in taken(intake)] == [(1, "one"), (2, "two")]
    assert taken(intake) == []
    with path.open("ab") as file:
        file.write(line("three"))
    assert [event.container_seq for event in taken(intake)] == [3]


def test_goes_on_after_a_crash_where_the_log_ends(path: Path) -> None:
    path.write_bytes(line("one") + line("two") + line("three"))
    assert [event.container_seq for event in taken(testimony.Testimony(path, lines_taken=2))] == [3]


@pytest.mark.parametrize("host_type", sorted(events.HOST_TYPES))
def test_a_host_event_is_dropped_and_audited(path: Path, host_type: str) -> None:
    forged = {"v": 1, "seq": 1, "type": host_type, "agent": "dev", "attempt": 1, "result": "completed"}
    path.write_text(json.dumps(forged) + "\n")
    [event] = taken(testimony.Testimony(path))
    assert isinstance(event, Limit)
    assert (event.limit, event.container_seq) == ("forged_event", 1)
    assert host_type in event.message


@pytest.mark.parametrize(
    "junk", [b"not json\n", b"\xff\xff\n", b"[]\n", b'{"type":"message"}\n', b'{"type":"message","text":5}\n', b"\n"]
)
def test_junk_is_dropped_with_a_word(path: Path, junk: bytes) -> None:
    path.write_bytes(junk + line("fine"))
    dropped, fine = taken(testimony.Testimony(path))
    assert isinstance(dropped, Limit)
    assert dropped.limit == "events"
    assert isinstance(fine, Message)


def test_a_line_too_long_is_dropped_and_the_next_one_read(path: Path) -> None:
    path.write_bytes(b"x" * (3 * 1024 * 1024) + b"\n" + line("fine"))
    dropped, fine = taken(testimony.Testimony(path))
    assert isinstance(dropped, Limit)
    assert "256 kB" in dropped.message
    assert (fine.container_seq, getattr(fine, "text", "")) == (2, "fine")


def test_a_flood_is_noticed_and_not_read_to_its_end(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(testimony.LARGEST_FILE_BYTES * 4)
    intake = testimony.Testimony(path)
    assert len(taken(intake)) == 0
    assert intake.flooded


def test_a_file_that_was_cut_is_told(path: Path) -> None:
    path.write_bytes(line("one") + line("two"))
    intake = testimony.Testimony(path)
    assert len(taken(intake)) == 2
    path.write_bytes(b"")
    [told] = taken(intake)
    assert isinstance(told, Limit)


@given(pieces=st.lists(st.integers(min_value=1, max_value=60), max_size=30))
def test_lines_survive_being_written_in_pieces(tmp_path_factory: pytest.TempPathFactory, pieces: list[int]) -> None:
    whole = line("one") + line("two") + line("three")
    path = tmp_path_factory.mktemp("pieces") / "events.jsonl"
    path.touch()
    intake = testimony.Testimony(path)
    seen = []
    start = 0
    for size in [*pieces, len(whole)]:
        with path.open("ab") as file:
            file.write(whole[start : start + size])
        start = min(start + size, len(whole))
        seen += [getattr(event, "text", "?") for event in taken(intake)]
    assert seen == ["one", "two", "three"]


@pytest.mark.parametrize("kind", ["pipe", "link", "directory", "socket", "device"])
def test_what_stands_in_the_files_place_is_neither_followed_nor_waited_for(path: Path, kind: str) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_bytes(line("of somebody else"))
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(elsewhere)
    elif kind == "directory":
        path.mkdir()
    elif kind == "socket":
        listen_unix(path, 0o600).close()
    else:
        path.symlink_to("/dev/zero")
    intake = testimony.Testimony(path)
    [told] = taken(intake)
    assert isinstance(told, Limit)
    assert "in the place of its event file" in told.message
    assert (taken(intake), intake.close()) == ([], [])
    intake.discard()
    assert elsewhere.read_bytes() == line("of somebody else")


def test_a_file_that_is_replaced_later_is_not_looked_at(path: Path) -> None:
    path.write_bytes(line("one"))
    intake = testimony.Testimony(path)
    assert len(taken(intake)) == 1
    kept = path.open("ab", buffering=0)
    path.unlink()
    path.write_bytes(line("from elsewhere") * 5)
    kept.write(line("two"))
    kept.close()
    assert [getattr(event, "text", "") for event in taken(intake)] == ["two"]


def test_a_file_that_comes_later_is_read(path: Path) -> None:
    intake = testimony.Testimony(path)
    assert taken(intake) == []
    path.write_bytes(line("one"))
    assert len(taken(intake)) == 1


def test_complaints_are_counted_after_a_while(path: Path) -> None:
    path.write_bytes(b"x\n" * (testimony.MOST_COMPLAINTS + 1234) + line("fine"))
    intake = testimony.Testimony(path)
    told = taken(intake)
    assert len(told) == testimony.MOST_COMPLAINTS + 1
    assert told[-1].container_seq == testimony.MOST_COMPLAINTS + 1235
    [summary] = intake.close()
    assert summary.message == "1,234 more lines were dropped"


def test_cutting_the_file_again_and_again_is_a_flood_too(path: Path) -> None:
    intake = testimony.Testimony(path)
    piece = b"x" * (testimony.LARGEST_FILE_BYTES // 4)
    for _ in range(5):
        path.write_bytes(piece)
        taken(intake)
        path.write_bytes(b"")
        taken(intake)
    assert intake.flooded == "64 MB of events"


def test_very_many_lines_are_a_flood(path: Path) -> None:
    path.write_bytes(b"\n" * (testimony.MOST_LINES + testimony.PIECE_BYTES))
    intake = testimony.Testimony(path)
    taken(intake)
    assert intake.flooded == "1,000,000 events"


def test_a_flooded_file_gives_its_room_back(path: Path) -> None:
    path.write_bytes(line("one"))
    intake = testimony.Testimony(path)
    taken(intake)
    intake.discard()
    assert path.stat().st_size == 0


@pytest.mark.parametrize(
    "spoilt",
    [
        b'{"type":"message","text":"\xff"}',
        b'{"type":"tool.started","tool_call_id":"1","title":"t","input":' + b"[" * 970 + b"]" * 970 + b"}",
        b'{"type":"message","text":"x","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"\xff"}',
    ],
    ids=["no UTF-8", "too deep to be read again", "too deep to be read", "no UTF-8 in its type"],
)
def test_a_line_that_cannot_be_read_is_dropped_and_the_next_one_is_taken(path: Path, spoilt: bytes) -> None:
    path.write_bytes(spoilt + b"\n" + line("next"))
    dropped, next_one = taken(testimony.Testimony(path))
    assert isinstance(dropped, Limit)
    assert (dropped.limit, dropped.container_seq) == ("events", 1)
    assert isinstance(next_one, Message)


def test_the_version_of_an_event_is_ours(path: Path) -> None:
    path.write_text('{"v":99,"type":"message","text":"x"}\n')
    [event] = taken(testimony.Testimony(path))
    assert event.v == events.VERSION
