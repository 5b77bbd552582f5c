"""A service that is replaced behind a socket of systemd's: whoever asks meanwhile waits, and loses nothing."""

from __future__ import annotations

import asyncio
import itertools
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.gateway.test_webhook_burst import signed
from tests.support.installation import Installation, until
from tests.support.load import Outcome, Place, Request, load
from tests.support.program import PROGRAM
from tests.support.running_service import RunningService

pytestmark = pytest.mark.docker

RESTARTS = 5
_TAKES_THE_SOCKET = 'exec 3<&{number}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@"'


class Replaced:
    """The service of a project on a socket that stays open when it ends."""

    def __init__(self, here: Installation) -> None:
        self.here = here
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.log = here.project.parent / "service.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> Place:
        port = self.listener.getsockname()[1]
        return Place("127.0.0.1", port, f"127.0.0.1:{port}")

    def start(self) -> None:
        number = self.listener.fileno()
        words = ["bash", "-c", _TAKES_THE_SOCKET.format(number=number), str(PROGRAM)]
        words += ["-p", str(self.here.project), "start", "--headless"]
        options: dict[str, Any] = {"env": self.here.environment, "pass_fds": [number]}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, **options)

    def end(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def replaced(here: Installation, service: RunningService) -> Iterator[Replaced]:
    """`service` keeps the secret of the hub, and is not started."""
    here.agent(script="true\n")
    made = Replaced(here)
    made.start()
    until((here.state / "gateway.sock").exists)
    yield made
    made.end()
    made.listener.close()


def visits() -> Iterator[Request]:
    """As the edge asks: what changes something goes over a connection of its own, and says so."""
    for number in itertools.count():
        headers, body = signed(number)
        yield Request("POST", "/webhooks/hub", (*headers.items(), ("connection", "close")), body)
        yield Request(path="/api/v1/openapi.json", headers=(("connection", "close"),))


async def more(outcome: Outcome, count: int) -> None:
    wanted = outcome.answered + len(outcome.lost) + count
    async with asyncio.timeout(120):
        while outcome.answered + len(outcome.lost) < wanted:
            await asyncio.sleep(0.01)


async def test_nothing_is_lost_while_a_service_is_replaced(here: Installation, replaced: Replaced) -> None:
    async with load(replaced.place, visits) as outcome:
        for _ in range(RESTARTS):
            await more(outcome, 200)
            assert await asyncio.to_thread(replaced.end) == 0
            replaced.start()
        await more(outcome, 200)
    assert outcome.lost == []
    assert set(outcome.statuses) == {200}
    with sqlite3.connect(here.state / "state.db") as database:
        taken = [row[0] for row in database.execute("select delivery_id from receipts")]
    database.close()
    assert len(taken) == len(set(taken))
    assert len(taken) >= outcome.answered // 2 - 16
