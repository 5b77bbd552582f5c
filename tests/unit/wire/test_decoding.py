"""What cannot be read is one kind of error, for every reader of what a run writes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from freehold.wire import events, session

READERS: list[Callable[[bytes], object]] = [
    events.decode, events.decode_testimony, session.decode_from_runner, session.decode_from_keeper,
]  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b'{"type":"message","text":"\xff"}',
        b'{"type":"\xff"}',
        b'{"type":"message","text":"\\ud800"}',
        b'{"type":"message","text":"x","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"hello","phase":"session","more":' + b"[" * 100_000,
        b'{"type":"tool.started","tool_call_id":"1","title":"x","input":' + b"9" * 5000 + b"}",
    ],
)
def test_it_is_a_decode_error(reader: Callable[[bytes], object], line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        reader(line)


def tool(levels: int) -> bytes:
    return b'{"type":"tool.started","tool_call_id":"1","title":"x","input":' + b"[" * levels + b"]" * levels + b"}"


def test_what_one_reader_takes_in_every_other_can_read_from_much_deeper_down() -> None:
    """A keeper that takes a run over reads its events again, and must not die of them."""
    kept = events.encode(events.decode_testimony(tool(100)))

    def read_from(depth: int) -> object:
        return read_from(depth - 1) if depth else events.decode(kept)

    assert read_from(500)


@pytest.mark.parametrize("levels", [101, 500, 900, 970, 5000])
def test_what_is_nested_deeper_is_not_taken_in(levels: int) -> None:
    with pytest.raises(msgspec.DecodeError):
        events.decode_testimony(tool(levels))
