"""Newline framing: whatever the pieces, the lines are the same; and nothing grows past the bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.wire.lines import LineSplitter, LineTooLongError

LINES = st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"")), max_size=8)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({position % (len(data) + 1) for position in at})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


@given(LINES, st.binary(max_size=10).map(lambda data: data.replace(b"\n", b"")), st.lists(st.integers(0, 400)))
def test_pieces_do_not_matter(lines: list[bytes], rest: bytes, at: list[int]) -> None:
    splitter = LineSplitter(40)
    stream = b"".join(line + b"\n" for line in lines) + rest
    found = [line for piece in cut(stream, at) for line in splitter.feed(piece)]
    assert found == [line for line in lines if line.strip()]
    assert splitter.rest() == rest


@given(st.integers(1, 30), st.lists(st.integers(1, 10), min_size=1, max_size=20), st.booleans())
def test_a_line_passes_if_and_only_if_it_fits(longest: int, pieces: list[int], ended: bool) -> None:
    splitter = LineSplitter(longest)
    size = sum(pieces)

    def feed() -> list[bytes]:
        found = [line for piece in pieces for line in splitter.feed(b"x" * piece)]
        return [*found, *(splitter.feed(b"\n") if ended else [])]

    if size > longest:
        with pytest.raises(LineTooLongError):
            feed()
    else:
        assert feed() == ([b"x" * size] if ended else [])


def test_a_line_that_is_too_long_shows_how_it_began() -> None:
    with pytest.raises(LineTooLongError) as caught:
        LineSplitter(300).feed(b"garbage " * 100)
    assert caught.value.start == (b"garbage " * 25)
