"""Events leave whole and unchanged, however the bytes came in."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.models.event_stream import EventStream, payload_of

LINE_ENDS = (b"\n", b"\r\n", b"\r")

texts = st.binary(max_size=20).filter(lambda value: not set(value) & set(b"\r\n"))
blocks = st.lists(st.tuples(st.sampled_from([b"data", b"event", b"id", b""]), texts), min_size=1, max_size=4)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A stream with one kind of line end, and the payloads that are in it."""
    end = draw(st.sampled_from(LINE_ENDS))
    payloads, data = [], b""
    for block in draw(st.lists(blocks, max_size=5)):
        lines = [name + b": " + text for name, text in block]
        data += end.join(lines) + end + end
        joined = b"\n".join(text for name, text in block if name == b"data")
        if joined:
            payloads.append(joined)
    return data, payloads


def chunks_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(streams(), st.lists(st.integers(min_value=0), max_size=8))
def test_borders_of_chunks_change_nothing(stream: tuple[bytes, list[bytes]], cuts: list[int]) -> None:
    data, payloads = stream
    events = EventStream()
    pieces = [events.feed(chunk) for chunk in chunks_of(data, cuts)] + [events.finish()]
    assert b"".join(piece.data for piece in pieces) == data
    assert [payload for piece in pieces for payload in piece.payloads] == payloads


@given(streams(), st.lists(st.integers(min_value=0), max_size=8), st.integers(min_value=1, max_value=12))
def test_events_that_are_too_long_pass_unread_and_unchanged(
    stream: tuple[bytes, list[bytes]], cuts: list[int], longest: int
) -> None:
    data, _ = stream
    events = EventStream(longest)
    pieces = [events.feed(chunk) for chunk in chunks_of(data, cuts)] + [events.finish()]
    assert b"".join(piece.data for piece in pieces) == data


@given(streams(), st.lists(st.integers(min_value=0), max_size=8))
def test_what_has_passed_always_ends_with_a_whole_event(stream: tuple[bytes, list[bytes]], cuts: list[int]) -> None:
    data, _ = stream
    events = EventStream()
    passed = b""
    for chunk in chunks_of(data, cuts):
        passed += events.feed(chunk).data
        assert events.between_events
        assert not passed or passed.endswith((b"\n", b"\r"))


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_an_event_passes_with_the_byte_that_ends_it(end: bytes) -> None:
    event = b"data: a" + end
    for cut in range(len(event)):
        events = EventStream()
        assert events.feed(event[:cut]).data == b""
        assert events.feed(event[cut:]).data == event
    events = EventStream()
    pieces = [events.feed(event[at : at + 1]) for at in range(len(event))]
    assert (pieces[-1].payloads, b"".join(piece.data for piece in pieces)) == ((b"a",), event)


def test_the_beginning_of_an_event_is_held_back() -> None:
    events = EventStream()
    assert events.feed(b'data: {"a": 1}\n\ndata: {"b"').data == b'data: {"a": 1}\n\n'
    assert events.finish().data == b'data: {"b"'


def test_a_last_event_without_its_blank_line_is_still_read() -> None:
    events = EventStream()
    events.feed(b"data: 1\n\ndata: 2")
    piece = events.finish()
    assert (piece.data, piece.payloads) == (b"data: 2", (b"2",))


def test_memory_is_bounded_and_the_loss_is_counted() -> None:
    events = EventStream(longest=100)
    passed = sum(len(events.feed(b"x" * 50).data) for _ in range(100))
    assert passed >= 5000 - 100
    assert (events.unread_events, events.between_events) == (1, False)
    piece = events.feed(b"\n\ndata: next\n\n")
    assert (piece.payloads, events.between_events) == ((b"next",), True)


@pytest.mark.parametrize(
    ("block", "payload"),
    [
        (b"data: x", b"x"),
        (b"data:x", b"x"),
        (b"data:  x", b" x"),
        (b"event: a\ndata: 1\ndata: 2", b"1\n2"),
        (b": a comment", b""),
        (b"data", b""),
        (b"id: 3", b""),
    ],
)
def test_payloads_are_the_data_lines(block: bytes, payload: bytes) -> None:
    assert payload_of(block) == payload
