"""The one connection to a Docker engine; what goes wrong on it leaves as a `FreeholdError`."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiodocker
import aiohttp

from freehold.base.errors import Code, FreeholdError
from freehold.containers.reachability import docker_address, observe, unreachable

_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)
"""A request that is not a wait or a stream is answered within a minute, or Docker is taken for silent."""

_NO_CONNECTION = 900  # aiodocker's status for "cannot connect"
_CODES = {400: Code.FAILED, 403: Code.DENIED, 404: Code.NOT_FOUND, 409: Code.CONFLICT}


class DockerConnection:
    """A client for one Docker engine. It belongs to the event loop that first uses it.

    Raises `FreeholdError(UNREACHABLE)`, with the command that helps, when Docker is absent, stopped, or not for this
    user; also from `open`, which knocks before anything is asked.
    """

    def __init__(self, client: aiodocker.Docker, address: str) -> None:
        self.client = client
        self.address = address

    @classmethod
    def open(cls, address: str = "") -> DockerConnection:
        """Connect to `address`, or to `DOCKER_HOST`, or to the default socket. Needs a running event loop."""
        address = address or docker_address(os.environ, Path.home())
        facts = observe(address)
        if facts.silence != facts.silence.NO_ANSWER:
            raise unreachable(facts)
        try:
            client = aiodocker.Docker(url=address, timeout=_TIMEOUT)
        except ValueError as error:
            raise FreeholdError(
                Code.UNREACHABLE,
                f"DOCKER_HOST is not an address that Docker can be reached at: {address} ({error}).",
                "Write for example unix:///var/run/docker.sock or tcp://127.0.0.1:2375, or unset it.",
            ) from error
        return cls(client, address)

    async def close(self) -> None:
        await self.client.close()

    @contextlib.contextmanager
    def doing(self, action: str) -> Iterator[None]:
        """Errors of the client within become `FreeholdError`s that begin with `action` ("start container x").

        404 is NOT_FOUND, 409 is CONFLICT, 403 is DENIED; everything else that Docker answers is FAILED.
        """
        try:
            yield
        except aiodocker.DockerError as error:
            if error.status == _NO_CONNECTION:
                raise unreachable(observe(self.address, error.message)) from error
            code = _CODES.get(error.status, Code.FAILED)
            raise FreeholdError(code, f"Docker could not {action}: {error.message.strip()}") from error
        except TimeoutError as error:
            raise unreachable(observe(self.address, f"no answer in {_TIMEOUT.total:.0f} s to: {action}")) from error
        except aiohttp.ClientError as error:
            raise unreachable(observe(self.address, f"{action}: {error}")) from error

    async def version(self) -> str:
        """The engine's version, for example `20.10.24`."""
        with self.doing("tell its version"):
            answer = await self.client.version()
        return str(answer.get("Version", ""))

    async def info(self) -> dict[str, Any]:
        """What the engine says of itself and its machine (`GET /info`)."""
        with self.doing("describe itself"):
            return dict(await self.client.system.info())

    async def get(self, path: str, params: dict[str, str], action: str) -> bytes:
        """The body of an answer that aiodocker has no method for, whole and as it came."""
        with self.doing(action):
            if self.client.api_version == "auto":
                await self.client.version()
            url = f"{self.client.docker_host}/{self.client.api_version}/{path}"
            async with self.client.session.get(url, params=params) as response:
                body = await response.read()
                if response.status >= 400:
                    raise aiodocker.DockerError(response.status, _message_of(body))
                return body


def _message_of(body: bytes) -> str:
    """Docker's own words in an error answer: `{"message": …}`, or whatever came."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
