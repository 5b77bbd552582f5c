"""The runner's event file: numbered without gaps, whole lines, and honest about what the disk refused."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from freehold.base.redaction import Redaction
from freehold.base.secret import Secret
from freehold.runner import event_file
from freehold.runner.event_file import EventFile
from freehold.wire.events import AnyTestimony, Log, Message, ToolStarted, decode_testimony


def read(path: Path) -> list[AnyTestimony]:
    return [decode_testimony(line) for line in path.read_bytes().splitlines()]


@contextmanager
def disk_of(size_bytes: int) -> Iterator[None]:
    """No file of this process may grow past `size_bytes`: writes are cut short and refused, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_events_are_numbered_from_one_and_say_which_run(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "events.jsonl", "dev-1")
    file.log("info", "runner started")
    file.write(Message(text="hello"))
    file.close()
    found = read(tmp_path / "events.jsonl")
    assert [(event.seq, event.run_id, type(event)) for event in found] == [(1, "dev-1", Log), (2, "dev-1", Message)]
    assert all(event.ts.endswith("Z") for event in found)


def test_a_file_that_is_there_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"kept\n")
    file = EventFile(path, "dev-1")
    file.log("info", "more")
    file.close()
    assert path.read_bytes().startswith(b"kept\n{")


def test_secrets_are_blacked_out_wherever_they_are(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "events.jsonl", "token-1", Redaction([Secret("token-1")]))
    file.write(ToolStarted(tool_call_id="t", title="echo token-1", input={"command": ["token-1", {"token-1": 1}]}))
    file.close()
    found = read(tmp_path / "events.jsonl")[0]
    assert isinstance(found, ToolStarted)
    assert (found.title, found.input) == ("echo [hidden]", {"command": ["[hidden]", {"[hidden]": 1}]})
    assert found.run_id == "token-1", "the head of an event is not text"


def test_long_text_is_cut_with_a_note_after_it_was_blacked_out(tmp_path: Path) -> None:
    secret = "s" * 100
    file = EventFile(tmp_path / "events.jsonl", "dev-1", Redaction([Secret(secret)]))
    file.write(Message(text="x" * (event_file.LONGEST_TEXT * 2 // 3 - 50) + secret + "y" * event_file.LONGEST_TEXT))
    file.close()
    found = read(tmp_path / "events.jsonl")[0]
    assert isinstance(found, Message)
    assert "characters cut" in found.text
    assert "s" * 6 not in found.text
    assert len(found.text) < event_file.LONGEST_TEXT + 100


def test_what_a_full_disk_refused_is_counted_and_told_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    file = EventFile(path, "dev-1")
    file.write(Message(text="first"))
    size_bytes = path.stat().st_size
    with disk_of(size_bytes + 20):
        for _ in range(5):
            file.write(Message(text="lost"))
    file.write(Message(text="after"))
    file.write(Message(text="last"))
    file.close()
    lines = path.read_bytes().splitlines()
    whole, torn = [], []
    for line in lines:
        try:
            whole.append(decode_testimony(line))
        except msgspec.DecodeError:
            torn.append(line)
    assert len(torn) == 1, "the line that was cut short spoils only itself"
    assert [event.seq for event in whole] == [1, 2, 3, 4]
    told = whole[1]
    assert isinstance(told, Log)
    assert told.text.startswith("5 events could not be written (")


def test_a_disk_that_stays_full_is_no_error() -> None:
    file = EventFile(Path("/dev/full"), "dev-1")
    for _ in range(3):
        file.write(Message(text="lost"))
    file.close()
    assert file.seq == 0


def test_past_its_bound_the_file_takes_only_what_must_be_said(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    file = EventFile(path, "dev-1", largest_bytes=1000)
    for _ in range(100):
        file.write(Message(text="flood"))
    assert file.full
    file.log("error", "the harness floods")
    file.close()
    found = read(path)
    assert isinstance(found[-1], Log)
    assert path.stat().st_size < 1500
    assert [event.seq for event in found] == list(range(1, len(found) + 1))
