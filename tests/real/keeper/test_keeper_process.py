"""The keeper as a process: started once however many ask, replaced when its program changed, gone when idle."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.client.keeper import LARGEST_LOG_BYTES, KeeperConnection, ask, connect
from freehold.wire import rpc
from freehold.wire.keeper import KeeperStatus
from tests.support.installation import Installation, until


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Installation]:
    """As `here`, without a container."""
    installation = Installation(tmp_path)
    yield installation
    installation.stop_keeper()


@asynccontextmanager
async def client(here: Installation) -> AsyncIterator[KeeperConnection]:
    connection = await connect(here.project, here.home)
    try:
        yield connection
    finally:
        await connection.close()


async def pid_of(connection: KeeperConnection) -> int:
    return (await connection.call("keeper/status", {}, KeeperStatus)).pid


def keeper(here: Installation, *words: str) -> subprocess.Popen[bytes]:
    where = ("--project", str(here.project), "--home", str(here.home))
    return subprocess.Popen([sys.executable, "-m", "freehold.keeper", *where, *words], cwd="/", env=here.environment)


async def test_all_who_come_at_the_same_moment_get_the_same_keeper(alone: Installation) -> None:
    connections = await asyncio.gather(*(connect(alone.project, alone.home) for _ in range(6)))
    try:
        pids = {await pid_of(connection) for connection in connections}
        assert pids == {alone.keeper_pid()}
    finally:
        for connection in connections:
            await connection.close()


async def test_a_keeper_of_another_home_is_told_from_ones_own(alone: Installation, tmp_path: Path) -> None:
    async with client(alone) as connection:
        with pytest.raises(FreeholdError) as caught:
            await connect(alone.project, tmp_path / "other")
        assert caught.value.code is Code.CONFLICT
        assert "another home" in caught.value.message
        assert await pid_of(connection) == alone.keeper_pid()


async def test_a_second_keeper_leaves_the_first_alone(alone: Installation) -> None:
    async with client(alone) as connection:
        second = keeper(alone)
        assert await asyncio.to_thread(second.wait, 20) == 0
        assert await pid_of(connection) == alone.keeper_pid()


async def test_what_a_killed_keeper_leaves_is_in_nobodys_way(alone: Installation) -> None:
    async with client(alone) as connection:
        first = await pid_of(connection)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(FreeholdError) as raised:
            await connection.call("keeper/status", {}, KeeperStatus)
        assert raised.value.code is Code.UNREACHABLE
    assert (alone.state / "keeper.sock").exists()
    # As commands ask: while the kernel takes a killed process apart, its socket may still be connected to.
    status = await ask(alone.project, alone.home, "keeper/status", {}, KeeperStatus)
    assert status.pid != first


async def test_an_idle_keeper_of_another_program_makes_room(alone: Installation) -> None:
    async with client(alone) as connection:
        first = await pid_of(connection)
    (alone.state / "keeper.lock").write_text("0123456789ab\n")
    async with client(alone) as connection:
        assert await pid_of(connection) != first
    assert (alone.state / "keeper.lock").read_text() != "0123456789ab\n"


async def test_a_busy_keeper_of_another_program_makes_room_as_soon_as_it_is_idle(alone: Installation) -> None:
    async with client(alone) as busy:
        first = await pid_of(busy)
        (alone.state / "keeper.lock").write_text("0123456789ab\n")
        async with client(alone) as other:
            assert await pid_of(other) == first
        assert await pid_of(busy) == first
    await asyncio.to_thread(until, lambda: alone.keeper_pid() is None)
    async with client(alone) as connection:
        assert await pid_of(connection) != first


async def test_stop_says_whether_it_ends_now(alone: Installation) -> None:
    async with client(alone) as connection:
        assert await connection.stop_keeper(when_idle=True)
        assert [notice async for notice in connection.notices()] == []


def test_an_idle_keeper_ends_by_itself(alone: Installation) -> None:
    process = keeper(alone, "--idle", "0.2")
    assert process.wait(20) == 0
    assert not (alone.state / "keeper.sock").exists()


async def test_a_keeper_with_a_client_is_not_idle(alone: Installation) -> None:
    process = keeper(alone, "--idle", "0.2")
    await asyncio.to_thread(until, (alone.state / "keeper.sock").exists)
    async with client(alone) as connection:
        await asyncio.sleep(1.5)  # longer than it would stay alone
        assert await pid_of(connection) == process.pid
    assert await asyncio.to_thread(process.wait, 20) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(alone: Installation, number: signal.Signals) -> None:
    process = keeper(alone)
    until((alone.state / "keeper.sock").exists)
    process.send_signal(number)
    assert process.wait(20) == 0
    assert not (alone.state / "keeper.sock").exists()
    assert "Traceback" not in alone.log


async def test_a_keeper_that_cannot_start_says_why(alone: Installation) -> None:
    alone.state.write_text("a file where the state should be")
    try:
        with pytest.raises(FreeholdError) as raised:
            await connect(alone.project, alone.home)
        assert raised.value.code is Code.UNREACHABLE
        assert str(alone.state) in raised.value.message
    finally:
        alone.state.unlink()


async def test_a_log_that_has_grown_is_put_aside(alone: Installation) -> None:
    alone.make_state()
    log = alone.state / "keeper.log"
    with log.open("wb") as file:
        file.truncate(LARGEST_LOG_BYTES + 1)
    async with client(alone):
        assert log.stat().st_size < 10_000
        assert (alone.state / "keeper.log.1").stat().st_size == LARGEST_LOG_BYTES + 1
        assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.root
async def test_another_user_is_not_heard(alone: Installation) -> None:
    """Its modes keep others out already; the keeper looks at who they are all the same."""
    async with client(alone) as connection:
        await pid_of(connection)
        alone.state.chmod(0o755)
        (alone.state / "keeper.sock").chmod(0o666)
        stranger = """
import os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(f"/proc/self/fd/{sys.argv[1]}/keeper.sock")
try:
    connection.sendall(sys.argv[2].encode())
    sys.exit(0 if connection.recv(100) == b"" else 1)
except (BrokenPipeError, ConnectionResetError):
    sys.exit(0)
"""
        folder = os.open(alone.state, os.O_PATH | os.O_DIRECTORY)
        try:
            request = rpc.request("keeper/status", {}, 1).decode()
            process = await asyncio.create_subprocess_exec(
                "setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", stranger, str(folder), request,
                pass_fds=[folder],
            )  # fmt: skip
            assert await asyncio.wait_for(process.wait(), 20) == 0
        finally:
            os.close(folder)
        assert await pid_of(connection) == alone.keeper_pid()
