"""What a server says is not believed further than it can be true, and what it is told there is no other's to change."""

from __future__ import annotations

import base64
import os
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy import facts
from freehold.deploy.facts import gather
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.host import RemoteFile
from freehold.hosts.local_host import LocalHost
from freehold.hosts.script import run_script


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


@pytest.mark.parametrize(
    "said",
    ["?", base64.b64encode(b"not packed").decode(), packed(b"{} ")[:-8], packed(b"[]"), packed(b'{"a": "\\ud800"}')],
)
async def test_facts_that_cannot_be_read(said: str) -> None:
    host = FakeHost(scripts={"facts": lambda _: {"held": None, "packed": said}})
    with pytest.raises(FreeholdError) as caught:
        msgspec.json.decode((await gather(host, []))["a"])
    assert caught.value.code is Code.PROTOCOL


async def test_facts_that_no_memory_holds() -> None:
    """Some kilobytes, packed twice as well as these, would be gigabytes."""
    largest = facts._LARGEST_BYTES
    squeezer = zlib.compressobj(9)
    pieces = [squeezer.compress(bytes(1 << 20)) for _ in range(largest // (1 << 20) + 2)]
    told = base64.b64encode(b"".join([*pieces, squeezer.flush()])).decode()
    assert len(told) < largest / 500
    host = FakeHost(scripts={"facts": lambda _: {"held": None, "packed": told}})
    with pytest.raises(FreeholdError, match="too large") as caught:
        await gather(host, [])
    assert caught.value.code is Code.PROTOCOL


async def test_what_is_made_there_is_no_others_to_write_to(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        source = "def main(path):\n    open(path, 'w').close()\n"
        await run_script(LocalHost(), "test", source, str(tmp_path / "made"), Any)
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o644


async def test_where_files_are_put_is_no_others_to_write_to_either(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        await LocalHost().put([RemoteFile("in/file", b"x")], str(tmp_path / "place" / "below"))
    finally:
        os.umask(before)
    for path in (tmp_path / "place", tmp_path / "place" / "below", tmp_path / "place" / "below" / "in"):
        assert path.stat().st_mode & 0o777 == 0o755
