"""The tools read, write and edit: what the model is told, and what is on the disk afterwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from freehold.harness import read as reading
from freehold.harness.edit import Edit, replace
from freehold.harness.read import Read
from freehold.harness.tool import Place, Tool, ToolError
from freehold.harness.write import Write


async def run(tool: Tool, cwd: Path, **arguments: Any) -> str:
    return await tool.run(arguments, Place(cwd, {"HOME": str(cwd / "home")}))


@pytest.mark.parametrize(
    ("content", "arguments", "told"),
    [
        (b"one\ntwo\n", {}, "one\ntwo\n"),
        (b"no newline", {}, "no newline"),
        (b"", {}, "[the file is empty]"),
        (b"caf\xe9\n", {}, "caf\N{REPLACEMENT CHARACTER}\n"),
        (b"a\r\nb\r\n", {}, "a\r\nb\r\n"),
        (b"1\n2\n3\n4\n", {"offset": 2, "limit": 2}, "2\n3\n[lines 2 to 3; the file goes on: read with offset 4]"),
        (b"1\n2\n", {"offset": 2}, "2\n"),
        (b"1\n2\n", {"offset": 9}, "[the file has fewer than 9 lines]"),
        (b"1\n2\n", {"offset": 1.0, "limit": 1}, "1\n[lines 1 to 1; the file goes on: read with offset 2]"),
    ],
)
async def test_read(tmp_path: Path, content: bytes, arguments: dict[str, Any], told: str) -> None:
    (tmp_path / "f").write_bytes(content)
    assert await run(Read(), tmp_path, path="f", **arguments) == told


async def test_read_gives_at_most_its_portion(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("".join(f"{number}\n" for number in range(1, 5001)))
    text = await run(Read(), tmp_path, path="f")
    assert text.endswith("1999\n2000\n[lines 1 to 2000; the file goes on: read with offset 2001]")
    (tmp_path / "wide").write_text(("w" * 1000 + "\n") * 200)
    text = await run(Read(), tmp_path, path="wide")
    assert len(text) <= reading.LONGEST_TEXT + 100
    assert "the file goes on: read with offset 50]" in text


async def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x" * 1_000_000 + "\nnext\n")
    text = await run(Read(), tmp_path, path="f")
    assert text.startswith("x" * reading.LONGEST_LINE + " [... 998001 characters cut ...]\nnext")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "No such file"),
        ("folder", "is no file; list it with bash"),
        ("binary", "is a binary file of 4 bytes"),
        ("pipe", "is no file"),
        ("", "path is empty"),
        ("a\0b", "zero byte"),
        ("/dev/zero", "is no file"),
    ],
)
async def test_what_read_cannot_read(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"a\0b\0")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ToolError, match=message):
        await run(Read(), tmp_path, path=path)


@pytest.mark.parametrize("arguments", [{"offset": 0}, {"limit": -1}, {"offset": "3"}, {"limit": True}])
async def test_numbers_that_are_none(tmp_path: Path, arguments: dict[str, Any]) -> None:
    (tmp_path / "f").write_text("1\n")
    with pytest.raises(ToolError, match="must be a whole number"):
        await run(Read(), tmp_path, path="f", **arguments)


async def test_write_makes_folders_and_keeps_modes(tmp_path: Path) -> None:
    assert await run(Write(), tmp_path, path="a/b.txt", content="hé\n") == f"wrote 4 bytes to {tmp_path}/a/b.txt"
    script = tmp_path / "script"
    script.write_text("old")
    script.chmod(0o755)
    await run(Write(), tmp_path, path=str(script), content="new \ud800")
    assert script.read_bytes() == b"new \xed\xa0\x80"
    assert script.stat().st_mode & 0o777 == 0o755
    await run(Write(), tmp_path, path="~/x", content="")
    assert (tmp_path / "home" / "x").read_bytes() == b""


async def test_write_says_why_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, message in (
        ("file/below", "File exists|Not a directory"),
        ("/proc/nothing", "No such file|not permitted|denied"),
    ):
        with pytest.raises(ToolError, match=message):
            await run(Write(), tmp_path, path=path, content="x")
    with pytest.raises(ToolError, match="must be a text"):
        await run(Write(), tmp_path, path="file", content=7)


@pytest.mark.parametrize(
    ("data", "old", "new", "every", "changed"),
    [
        (b"a b c", "b", "B", False, b"a B c"),
        (b"x x", "x", "y", True, b"y y"),
        (b"caf\xe9 old", "old", "new", False, b"caf\xe9 new"),
        (b"a\r\nb\r\n", "a\nb", "a\nB", False, b"a\r\nB\r\n"),
        (b"a\r\nb\nc", "b\nc", "B\nC", False, b"a\r\nB\nC"),
        ("ä".encode(), "ä", "", False, b""),
    ],
)
def test_replace(data: bytes, old: str, new: str, every: bool, changed: bytes) -> None:
    assert replace(data, old, new, every=every)[0] == changed


@pytest.mark.parametrize(("data", "message"), [(b"nothing", "is not in the file"), (b"x and x", "2 times")])
def test_replace_wants_one_place(data: bytes, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        replace(data, "x", "y", every=False)


async def test_edit(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("one two two")
    assert await run(Edit(), tmp_path, path="f", old="one", new="1") == f"edited {tmp_path}/f"
    assert await run(Edit(), tmp_path, path="f", old="two", new="2", all=True) == f"replaced 2 of 2 in {tmp_path}/f"
    assert (tmp_path / "f").read_text() == "1 2 2"
    with pytest.raises(ToolError, match="No such file"):
        await run(Edit(), tmp_path, path="missing", old="a", new="b")
    with pytest.raises(ToolError, match="not empty"):
        await run(Edit(), tmp_path, path="f", old="", new="b")
