"""The place of an event in a file, found without reading what comes before it."""

from __future__ import annotations

import io
import random

import pytest

from freehold.keeper.event_place import CLOSE, place_after


class Counted(io.BytesIO):
    """How many bytes were read of it."""

    read_bytes = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(-1 if size is None else size)
        self.read_bytes += len(line)
        return line


def file_of(lengths: list[int]) -> tuple[Counted, list[int]]:
    """Events numbered from one, their lines so long; and where each begins."""
    lines = [b'{"seq":%d,"text":"%s"}\n' % (number, b"x" * length) for number, length in enumerate(lengths, 1)]
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return Counted(b"".join(lines)), starts


@pytest.mark.parametrize("seed", range(4))
def test_it_is_at_or_little_before_the_next_event(seed: int) -> None:
    chosen = random.Random(seed)
    lengths = [chosen.choice((0, 20, 400, 9_000, 2 * CLOSE)) for _ in range(400)]
    file, starts = file_of(lengths)
    for after in (0, 1, 2, 57, 199, 200, 398, 399, 400, 1000):
        place = place_after(file, starts[-1], after)
        next_start = starts[min(after, len(lengths))]
        assert place in starts
        assert place <= next_start
        between = [start for start in starts if place <= start < next_start]
        assert len(between) <= 1 or next_start - between[0] <= CLOSE + max(lengths) * 2


def test_little_is_read_of_a_long_file() -> None:
    file, starts = file_of([300] * 50_000)
    file.read_bytes = 0
    assert starts[49_990] - place_after(file, starts[-1], 49_990) <= CLOSE
    assert file.read_bytes < 20_000
    assert place_after(file, starts[-1], 0) == 0


def test_what_is_no_event_leads_to_reading_from_before_it() -> None:
    file, starts = file_of([300] * 2_000)
    content = file.getvalue()
    broken = Counted(content[: starts[900]] + b"torn\n" * 20_000 + content[starts[900] :])
    place = place_after(broken, len(broken.getvalue()), 1_500)
    assert place <= starts[1_500] + 100_000
    assert place in starts or place - 100_000 in starts


def test_an_empty_file() -> None:
    assert place_after(io.BytesIO(), 0, 7) == 0
