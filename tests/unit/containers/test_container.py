from __future__ import annotations

import pytest

from freehold.containers.container import demultiplex


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", b""),
        (frame(1, b"out\n"), b"out\n"),
        (frame(1, b"a") + frame(2, b"b") + frame(1, b"c"), b"abc"),
        (frame(2, b"\xff\x00\xfe"), b"\xff\x00\xfe"),
        (frame(1, b"whole") + frame(2, b"cut short")[:-4], b"wholecut s"),
        (frame(1, b"whole") + b"\x01\x00", b"whole"),
    ],
)
def test_streams_are_joined_in_order(raw: bytes, expected: bytes) -> None:
    assert demultiplex(raw) == expected
