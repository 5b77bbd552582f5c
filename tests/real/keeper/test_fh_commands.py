"""`fh`, as it is in the container, against the run API, as it is in the keeper."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.base.sockets import listen_unix
from freehold.runner.fh_request import UnreachableError, open_run_socket
from tests.support.run_world import RunWorld, run_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RunWorld]:
    async with run_world(tmp_path) as made:
        yield made


async def fh(directory: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "freehold.runner.fh", *arguments, env={**os.environ, "FREEHOLD_RUN_DIR": str(directory)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(30):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["status", 'reading "history"\nof main'], ("status", 'reading "history"\nof main')),
        (["return", "done"], ("return", "done")),
        (["rerun"], ("rerun", None)),
        (["exit", "3"], ("exit", 3)),
        (["exit"], ("exit", 15)),
        (["shutdown", "a leak"], ("shutdown", "a leak")),
    ],
)
async def test_what_is_said_arrives(world: RunWorld, command: list[str], asked: tuple[str, object]) -> None:
    code, output, _ = await fh(world.path.parent, *command)
    assert (code, json.loads(output)["ok"]) == (0, True)
    assert world.control.asked == [asked]


@pytest.mark.parametrize(
    "command", [["lock", "github://a/b/1"], ["unlock", "github://a/b/1"], ["heartbeat", "github://a/b/1"],
                ["call", "reviewer"], ["check", "01abc"]],
)  # fmt: skip
async def test_without_a_scheduler_it_says_so(world: RunWorld, command: list[str]) -> None:
    code, output, errors = await fh(world.path.parent, *command)
    assert code == 5
    assert json.loads(output)["code"] == "no_scheduler"
    assert "no scheduler is running" in errors


async def test_connect_says_why_not(world: RunWorld) -> None:
    code, _, errors = await fh(world.path.parent, "connect", "evil.test", "22")
    assert code == 3
    assert '"evil.test" is not in the allow-list of this run' in errors


async def test_outside_of_a_run(tmp_path: Path) -> None:
    assert (await fh(tmp_path / "no-run", "status", "x"))[0] == 6


def test_a_keeper_that_stays_away_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREEHOLD_RUN_DIR", str(tmp_path))
    with pytest.raises(UnreachableError, match="No such file"):
        open_run_socket(wait_s=0.3)


async def test_a_keeper_that_is_replaced_is_waited_for(tmp_path: Path) -> None:
    saying = asyncio.create_task(fh(tmp_path, "return", "done"))
    listener = listen_unix(tmp_path / "run.sock", 0o600)
    listener.setblocking(True)
    dying, _ = await asyncio.to_thread(listener.accept)  # the request is under way when this keeper dies
    listener.close()
    dying.close()
    async with run_world(tmp_path) as world:
        code, output, _ = await saying
        assert (code, json.loads(output)["ok"]) == (0, True)
        assert world.control.asked == [("return", "done")]
