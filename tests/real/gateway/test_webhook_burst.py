"""Ten thousand signed deliveries at once: what was accepted is on the disk, also when the service is killed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sqlite3
from collections import Counter

import aiohttp
import pytest

from freehold.wire.service import API
from tests.support.installation import Installation
from tests.support.running_service import SECRET, RunningService

pytestmark = pytest.mark.docker

NUMBER = 10_000
AT_ONCE = 100
BODY = b'{"action": "opened", "issue": {"number": %d, "title": "It broke"}, "repository": {"full_name": "acme/shop"}}'
WEBHOOKS = '\n[[webhooks]]\nsource = "hub"\nevents = ["issues"]\n'


def signed(number: int) -> tuple[dict[str, str], bytes]:
    body = BODY % number
    digest = hmac.digest(SECRET.reveal().encode(), body, hashlib.sha256).hex()
    return {
        "x-github-event": "issues", "x-github-delivery": f"d-{number}", "x-hub-signature-256": f"sha256={digest}",
        "content-type": "application/json",
    }, body  # fmt: skip


class Burst:
    """`accepted` are the receipts that were answered, by the number of the delivery."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._left = iter(range(NUMBER))
        self.accepted: dict[int, str] = {}
        self.statuses: Counter[int] = Counter()
        self.lost = 0

    async def send(self, kill_after: int = 0) -> None:
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(self._one_after_the_other(session, kill_after) for _ in range(AT_ONCE)))

    async def _one_after_the_other(self, session: aiohttp.ClientSession, kill_after: int) -> None:
        for number in self._left:
            headers, body = signed(number)
            try:
                async with session.post(f"{self._service.url}/webhooks/hub", data=body, headers=headers) as response:
                    self.statuses[response.status] += 1
                    if response.status == 200:
                        self.accepted[number] = (await response.json())["receiptId"]
            except aiohttp.ClientError:
                self.lost += 1
            if kill_after and len(self.accepted) >= kill_after and self._service.process:
                self._service.process.kill()


@pytest.fixture
def paused(here: Installation, service: RunningService) -> RunningService:
    """Deliveries are taken, and nothing begins."""
    folder = here.agent(script="true\n", schedule="0 0 1 1 *")
    with (folder / "config.toml").open("a") as config:
        config.write(f"maxWorkQueueSize = 20000\n{WEBHOOKS}")
    service.start()
    assert service.ask("POST", f"{API}/pause").status_code == 200
    return service


def on_disk(service: RunningService) -> tuple[dict[str, str], Counter[str]]:
    """Receipts by id with the delivery that each is of, and how many triggers each delivery has."""
    with sqlite3.connect(service.database) as database:
        receipts = dict(database.execute("select id, delivery_id from receipts where status = 'accepted'"))
        triggers = Counter(row[0] for row in database.execute("select source_id from triggers where type = 'webhook'"))
    database.close()
    return receipts, triggers


async def test_all_of_a_burst_are_durable_once(paused: RunningService) -> None:
    burst = Burst(paused)
    await burst.send()
    # Each one was answered: taken, or told to come again.
    assert burst.statuses.total() == NUMBER
    assert set(burst.statuses) <= {200, 429, 503}
    assert burst.statuses[200] == NUMBER
    paused.kill()
    receipts, triggers = on_disk(paused)
    assert {receipts[receipt] for receipt in burst.accepted.values()} == {f"d-{number}" for number in range(NUMBER)}
    assert set(triggers.values()) == {1}
    assert len(triggers) == NUMBER


async def test_none_that_was_accepted_is_lost_when_it_is_killed(paused: RunningService) -> None:
    burst = Burst(paused)
    await burst.send(kill_after=2000)
    assert burst.lost
    receipts, triggers = on_disk(paused)
    for number, receipt_id in burst.accepted.items():
        assert receipts[receipt_id] == f"d-{number}"
        assert triggers[f"d-{number}"] == 1
    assert set(receipts.values()) == set(triggers)  # no receipt without its trigger, no trigger without its receipt
    paused.start()
    headers, body = signed(next(iter(burst.accepted)))
    again = paused.ask("POST", "/webhooks/hub", headers=headers, content=body).json()
    assert again["duplicate"]
    assert paused.ask("GET", f"{API}/status").json()["waiting"] == len(triggers)
