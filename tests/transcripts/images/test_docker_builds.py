"""`DockerBuilds` against a program that speaks as docker does: what is streamed, cancelled, bounded and told."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from freehold.containers.build import BuildError, BuildRequest, DockerBuilds

VERSION = '[ "$1" = --version ] && echo "Docker version 20.10.24, build 2" && exit\n[ "$1" = buildx ] && exit 1\n'


class Program:
    """A `docker` in a folder of its own; `body` is what it does when it is told to build."""

    def __init__(self, folder: Path, body: str) -> None:
        folder.mkdir()
        self.folder = folder
        path = folder / "docker"
        path.write_text(f"#!/bin/bash\n{VERSION}cd {folder}\n{body}\n")
        path.chmod(0o755)
        self.builds = DockerBuilds(environment={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"})

    def request(self, timeout_s: float = 60) -> BuildRequest:
        return BuildRequest("a:1", self.folder / "Dockerfile", self.folder, timeout_s=timeout_s)

    async def until(self, name: str) -> None:
        """Wait for a file that the program writes."""
        async with asyncio.timeout(20):
            while not (self.folder / name).exists():
                await asyncio.sleep(0.01)

    async def until_gone(self, name: str) -> None:
        """A process that was killed needs a moment to be gone."""
        async with asyncio.timeout(20):
            while self.is_alive(name):
                await asyncio.sleep(0.01)

    def is_alive(self, name: str) -> bool:
        pid = int((self.folder / name).read_text())
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # also between open and read
            return False
        return state != "Z"


LASTS = "sleep 300 & echo $! > child; echo $$ > parent; echo '#5 [2/2] RUN sleep 300'; touch ready; wait"


async def test_steps_come_as_they_happen(tmp_path: Path) -> None:
    program = Program(
        tmp_path / "p",
        "echo '#4 [1/2] FROM a'; until [ -e go ]; do sleep 0.01; done; printf '#5 [2/2] RUN b' >&2",
    )
    steps: list[str] = []

    def step(text: str) -> None:
        steps.append(text)
        if len(steps) == 1:
            (program.folder / "go").touch()

    await program.builds.build(program.request(), step)
    assert steps == ["Step 1/2: FROM a", "Step 2/2: RUN b"]


async def test_buildkit_is_asked_for(tmp_path: Path) -> None:
    program = Program(tmp_path / "p", 'echo "$DOCKER_BUILDKIT $DOCKER_HOST $*" > said')
    await program.builds.build(program.request(), lambda _text: None)
    said = (program.folder / "said").read_text()
    assert said.startswith("1  build --progress=plain --tag a:1")


async def test_a_failure_carries_step_and_output(tmp_path: Path) -> None:
    program = Program(tmp_path / "p", "echo '#5 [2/2] RUN b'; echo '#5 0.1 oh'; echo '#5 ERROR: exit code: 3'; exit 1")
    with pytest.raises(BuildError) as caught:
        await program.builds.build(program.request(), lambda _text: None)
    failure = caught.value.failure
    assert (failure.step, failure.output, failure.error) == ("2/2: RUN b", ("oh",), "exit code: 3")


async def test_a_cancelled_build_is_stopped_with_everything_it_started(tmp_path: Path) -> None:
    program = Program(tmp_path / "p", LASTS)
    task = asyncio.create_task(program.builds.build(program.request(), lambda _text: None))
    await program.until("ready")
    assert program.is_alive("child")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await program.until_gone("parent")
    await program.until_gone("child")


async def test_a_build_that_takes_too_long_is_stopped_and_told(tmp_path: Path) -> None:
    program = Program(tmp_path / "p", LASTS)
    with pytest.raises(BuildError) as caught:
        await program.builds.build(program.request(timeout_s=1), lambda _text: None)
    assert caught.value.failure.error == "not done after 1 s"
    assert caught.value.failure.step == "2/2: RUN sleep 300"
    await program.until_gone("child")


async def test_a_build_that_does_not_mind_sigterm_is_killed(tmp_path: Path) -> None:
    program = Program(tmp_path / "p", "trap '' TERM\n" + LASTS + "\nwait")
    task = asyncio.create_task(program.builds.build(program.request(), lambda _text: None))
    await program.until("ready")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await program.until_gone("parent")


async def test_what_it_started_is_killed_even_when_it_does_not_mind_sigterm(tmp_path: Path) -> None:
    child = "(trap '' TERM; echo $BASHPID > child; touch ready; while true; do sleep 1; done) & wait"
    program = Program(tmp_path / "p", child)
    task = asyncio.create_task(program.builds.build(program.request(), lambda _text: None))
    await program.until("ready")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await program.until_gone("child")


async def test_a_flood_without_line_ends_is_no_trouble(tmp_path: Path) -> None:
    flood = "echo '#5 [2/2] RUN b'; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo '#6 [3/3] RUN c'"
    program = Program(tmp_path / "p", flood)
    steps: list[str] = []
    await program.builds.build(program.request(), steps.append)
    assert steps == ["Step 2/2: RUN b", "Step 3/3: RUN c"]


async def test_bytes_that_are_no_text_are_no_trouble(tmp_path: Path) -> None:
    program = Program(tmp_path / "p", "echo '#5 [2/2] RUN b'; printf '#5 0.1 \\xff\\xfe\\n#5 ERROR: x\\n'; exit 1")
    with pytest.raises(BuildError) as caught:
        await program.builds.build(program.request(), lambda _text: None)
    assert caught.value.failure.output == ("\ufffd\ufffd",)
