"""What the keeper holds in memory stays there: no core dump, and no other process of its user reads it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.client.keeper import connect
from tests.support.installation import Installation


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.stop_keeper()


async def keeper_of(alone: Installation) -> Path:
    connection = await connect(alone.project, alone.home)
    await connection.close()
    return Path("/proc", str(alone.keeper_pid()))


async def test_it_leaves_no_core_dump(alone: Installation) -> None:
    limits = ((await keeper_of(alone)) / "limits").read_text().splitlines()
    [line] = [line for line in limits if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]


WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Root without any right of root's is like any other user here."""
STAYS = "from freehold.keeper.main import keep_memory_private; {0}; print('up', flush=True); input()"


async def can_be_read(first: str) -> bool:
    """Whether a process of the same user, no stronger and no weaker, reads the environment of one that did `first`."""
    holder = await asyncio.create_subprocess_exec(
        *WITHOUT_RIGHTS,
        sys.executable,
        "-c",
        STAYS.format(first),
        env={"KEY": "s3cret"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"up\n"
    reader = await asyncio.create_subprocess_exec(
        *WITHOUT_RIGHTS, "cat", f"/proc/{holder.pid}/environ", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    read, _ = await reader.communicate()
    await holder.communicate(b"\n")
    return b"s3cret" in read


@pytest.mark.root
async def test_its_user_alone_does_not_open_its_memory() -> None:
    assert await can_be_read("pass")
    assert not await can_be_read("keep_memory_private()")
