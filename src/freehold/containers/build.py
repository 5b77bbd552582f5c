"""Building an image by BuildKit, through the docker program."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from freehold.containers.build_cli import BuildCli, find_build_cli
from freehold.containers.build_output import BuildFailure, BuildOutput

LONGEST_BUILD_S = 1800.0
"""Half an hour: the base image takes half a minute on a slow server, a compiler in an agent's image some minutes."""

_LONGEST_LINE = 64 * 1024
_GRACE_S = 5.0
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

Step = Callable[[str], None]
"""Called with each step as it begins: `Step 2/4: RUN make`."""


@dataclass(frozen=True)
class BuildRequest:
    """`name` is `repository:tag`. Build arguments and labels can be read from the image: nothing in them is secret.
    `target` is the stage that becomes the image, where that is not the last one.
    """

    name: str
    dockerfile: Path
    context: Path
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False
    pull: bool = False
    timeout_s: float = LONGEST_BUILD_S
    target: str = ""


class BuildError(Exception):
    """The build ran and failed; `failure` says where. The caller knows whose image it was, and tells the person."""

    def __init__(self, failure: BuildFailure) -> None:
        super().__init__(failure.error)
        self.failure = failure


class Builds(Protocol):
    """Makes images.

    - after `build`, an image of that name is in the store; after a failure, the store is as it was.
    - it raises `BuildError` when the build fails or takes longer than its timeout, and `FreeholdError` (UNREACHABLE)
      when nothing here can build.
    - a cancelled build is stopped, and nothing of it goes on.
    """

    async def build(self, request: BuildRequest, step: Step) -> None: ...


class DockerBuilds:
    """`Builds` by the docker program, on the engine at `address` (empty: the program's own choice).

    Give the address that the connection to the engine has: a docker context may name another engine than the one that
    is asked whether the image is there.
    """

    def __init__(self, address: str = "", environment: Mapping[str, str] = os.environ) -> None:
        self._environment = {**environment, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        if address:
            self._environment |= {"DOCKER_HOST": address}
        self._cli: BuildCli | None = None

    async def build(self, request: BuildRequest, step: Step) -> None:
        self._cli = self._cli or await find_build_cli(self._environment)
        output = BuildOutput()
        process = await asyncio.create_subprocess_exec(
            *command(self._cli, request, self._environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
            start_new_session=True,
            limit=_LONGEST_LINE,
        )
        try:
            async with asyncio.timeout(request.timeout_s):
                async for line in _lines(process):
                    if shown := output.feed(line):
                        step(shown)
                status = await process.wait()
        except TimeoutError:
            failure = output.failure()
            raise BuildError(
                BuildFailure(failure.step, failure.output, f"not done after {request.timeout_s:.0f} s")
            ) from None
        finally:
            await _stop(process)
        if status != 0:
            raise BuildError(output.failure())


def command(cli: BuildCli, request: BuildRequest, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The command line of a build. Proxies are passed by name alone: their values stay in the environment."""
    words = [*cli.command, "--progress=plain", "--tag", request.name, "--file", str(request.dockerfile)]
    if request.no_cache:
        words.append("--no-cache")
    if request.pull:
        words.append("--pull")
    if request.target:
        words += ["--target", request.target]
    for name, value in request.arguments.items():
        words += ["--build-arg", f"{name}={value}"]
    for name in _PROXY_VARIABLES:
        if environment.get(name):
            words += ["--build-arg", name]
    for name, value in request.labels.items():
        words += ["--label", f"{name}={value}"]
    return (*words, str(request.context))


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    """Lines as they come; one that is longer than the limit comes in pieces."""
    stream = process.stdout
    assert stream is not None
    while True:
        try:
            line = await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            if end.partial:
                yield end.partial.decode(errors="replace")
            return
        except asyncio.LimitOverrunError as overrun:
            line = await stream.readexactly(overrun.consumed)
        yield line.decode(errors="replace")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the program and whatever it started; BuildKit stops a build whose client is gone."""
    if process.returncode is not None:
        return
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _GRACE_S)
    # Also when the program itself is gone: what it started may not have minded.
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()
    # Nobody reads its output any more; asyncio has no other way to close the pipe.
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)
