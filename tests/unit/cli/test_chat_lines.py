"""What is piped into a chat: lines, whatever pieces, ends and bytes they come with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from freehold.cli.chat_lines import lines


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"", []),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\n\ntwo", ["one", "", "two"]),
        (b"one\r\n", ["one"]),
        (b"caf\xc3\xa9 \xff\n", ["caf\xe9 \N{REPLACEMENT CHARACTER}"]),
        (b"x" * 200_000 + b"\n", ["x" * 200_000]),
    ],
)
async def test_the_lines_of_a_file(data: bytes, read: list[str], tmp_path: Path) -> None:
    path = tmp_path / "said"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert [line async for line in lines(file.fileno())] == read


async def test_a_line_of_a_pipe_is_there_as_soon_as_it_ends() -> None:
    reading, writing = os.pipe()
    try:
        said = lines(reading)
        os.write(writing, b"on")
        os.write(writing, b"e\nrest")
        assert await anext(said) == "one"
        os.close(writing)
        assert await anext(said) == "rest"
        with pytest.raises(StopAsyncIteration):
            await anext(said)
    finally:
        os.close(reading)
