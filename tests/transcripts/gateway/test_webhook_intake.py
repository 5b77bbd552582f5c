"""Deliveries of webhooks, from the sender's side and from ours."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from freehold.base.clock import ManualClock
from freehold.base.secret import Secret
from freehold.gateway import webhook_paces
from freehold.gateway.bodies import LARGEST_DELIVERY
from freehold.project.credential import CredentialRef
from freehold.store import receipts, triggers
from freehold.store.triggers import TriggerState
from freehold.wire.service import API
from tests.support.gateway_world import ISSUE, GatewayWorld, errors, gateway_world, hooked_world


async def stored(world: GatewayWorld) -> list[receipts.Receipt]:
    return await world.gateway.service.database.read(receipts.page)


def counted(world: GatewayWorld, outcome: str, source: str = "hub") -> float:
    labels = {"source": source, "outcome": outcome}
    return world.gateway.metrics.registry.get_sample_value("freehold_webhooks_total", labels) or 0.0


async def test_a_delivery_starts_its_agent_and_leaves_a_receipt(world: GatewayWorld) -> None:
    response = await world.deliver()
    assert response.status_code == 200
    answer = response.json()
    assert (answer["ok"], answer["matched"], answer["skipped"]) == (True, 1, 0)
    await world.world.until_runs(1)
    context = world.world.keeper.starts[0].trigger.context
    assert context is not None
    assert (context["event"], context["repo"], context["receiptId"]) == ("issues", "acme/shop", answer["receiptId"])
    detail = (await world.client.get(f"{API}/receipts/{answer['receiptId']}")).json()
    assert (detail["receipt"]["status"], detail["body"]) == ("accepted", ISSUE.decode())
    assert "x-hub-signature-256" not in detail["headers"]
    [trigger] = detail["triggers"]
    assert (await world.client.get(f"{API}/triggers/{trigger}")).json()["context"]["receiptId"] == answer["receiptId"]


async def test_the_same_delivery_is_accepted_once(world: GatewayWorld) -> None:
    first, again = await world.deliver(), await world.deliver()
    assert again.json() == {
        "ok": True, "matched": 0, "skipped": 0, "receiptId": first.json()["receiptId"], "duplicate": True,
    }  # fmt: skip
    assert len(await stored(world)) == 1
    assert counted(world, "duplicate") == 1


async def test_deliveries_that_come_together_are_each_taken_once(world: GatewayWorld) -> None:
    await world.client.post(f"{API}/pause")
    ids = [str(number % 7) for number in range(20)]
    answers = [found.json() for found in await asyncio.gather(*(world.deliver(delivery_id=one) for one in ids))]
    assert Counter(answer.get("duplicate", False) for answer in answers) == {False: 7, True: 13}
    assert len({answer["receiptId"] for answer in answers}) == 7
    assert {one.id for one in await stored(world)} == {answer["receiptId"] for answer in answers}
    assert world.scheduler.dispatcher.queues.length("dev") == 7


@pytest.mark.parametrize("when_full", ["refuse", "dead_letter"])
async def test_a_queue_is_as_long_as_it_says_however_many_come_together(tmp_path: Path, when_full: str) -> None:
    made = hooked_world(tmp_path, ManualClock(), config=f'maxWorkQueueSize = 3\nqueue_full = "{when_full}"')
    async with gateway_world(made) as world:
        await world.client.post(f"{API}/pause")
        for first in (0, 10):
            found = await asyncio.gather(*(world.deliver(delivery_id=str(first + number)) for number in range(10)))
            taken = 10 if when_full == "dead_letter" else 3 if first == 0 else 0
            assert Counter(one.status_code for one in found)[200] == taken
        waiting = await world.gateway.service.database.read(lambda c: triggers.page(c, [TriggerState.WAITING]))
        dead = await world.gateway.service.database.read(triggers.count_dead)
        assert {one.id for one in waiting} == {
            one.trigger_id for one in world.scheduler.dispatcher.queues.by_agent["dev"]
        }  # fmt: skip
        assert (len(waiting), dead) == (3, 17 if when_full == "dead_letter" else 0)


async def test_what_nobody_wants_is_kept_and_may_come_again(world: GatewayWorld) -> None:
    for _ in range(2):
        answer = (await world.deliver(event="push")).json()
        assert (answer["matched"], answer["skipped"]) == (0, 0)
    kept = await stored(world)
    assert [(one.status, one.delivery_id) for one in kept] == [("unmatched", "d-1")] * 2
    assert "events: wanted" in kept[0].reason
    assert (await world.deliver()).json()["matched"] == 1


@pytest.mark.parametrize("change", ["body", "signature", "none"])
async def test_a_delivery_that_proves_nothing_leaves_nothing(world: GatewayWorld, change: str) -> None:
    headers, body = world.signed()
    if change == "body":
        body += b" "
    elif change == "signature":
        headers["x-hub-signature-256"] = "sha256=" + "0" * 64
    else:
        del headers["x-hub-signature-256"]
    response = await world.anybody.post("/webhooks/hub", content=body, headers=headers)
    assert response.status_code == 401
    assert errors(response) == {"code": "denied", "message": "the delivery was refused", "hint": ""}
    assert await stored(world) == []
    assert counted(world, "refused") == 1
    # The id that it named is not used up by it.
    assert (await world.deliver()).json()["matched"] == 1


async def test_unknown_sources_are_not_told_of_others_nor_make_figures(world: GatewayWorld) -> None:
    for name in ("nobody", "x" * 300):
        response = await world.anybody.post(f"/webhooks/{name}", content=b"{}")
        assert (response.status_code, errors(response)["hint"]) == (404, "")
    assert counted(world, "unknown", "unknown") == 2
    assert counted(world, "unknown", "nobody") == 0


@pytest.mark.parametrize("body", [b"\xff", b"nothing", b"[]", b'{"a":' * 200 + b"1" + b"}" * 200])
async def test_signed_nonsense_is_refused(world: GatewayWorld, body: bytes) -> None:
    response = await world.deliver(body=body)
    assert (response.status_code, errors(response)["code"]) == (400, "protocol")
    assert await stored(world) == []


async def test_what_is_refused_is_counted_by_source_and_reason_and_nothing_of_it_is_kept(world: GatewayWorld) -> None:
    headers, body = world.signed()
    for _ in range(3):
        await world.anybody.post("/webhooks/hub", content=b"forged " + body, headers=headers)
    world.world.clock.advance(60)
    await world.anybody.post("/webhooks/hub", content=b"x" * (LARGEST_DELIVERY + 1), headers=headers)
    for number in range(500):
        await world.anybody.post(f"/webhooks/nobody-{number}", content=body)
    world.world.clock.advance(60)
    await world.anybody.post("/webhooks/hub", content=b"no json", headers=world.signed(b"no json")[0])
    status = (await world.client.get(f"{API}/status")).json()
    refused = {(one["source"], one["reason"]): one for one in status["refused"]}
    assert {key: one["count"] for key, one in refused.items()} == {
        ("hub", "unreadable"): 1, ("hub", "too large"): 1, ("", "unknown source"): 500, ("hub", "not proven"): 3,
    }  # fmt: skip
    assert status["refused"][0]["reason"] == "unreadable"
    assert refused["", "unknown source"]["why"].endswith("'nobody-499'")
    assert refused["hub", "not proven"]["last_at"] < refused["hub", "too large"]["last_at"]
    assert "forged" not in str(status["refused"])
    assert (await world.client.get(f"{API}/refused-deliveries")).json() == status["refused"]
    assert await stored(world) == []


async def test_a_type_stands_for_its_sources_and_a_ping_is_answered(world: GatewayWorld) -> None:
    headers, body = world.signed()
    by_type = await world.anybody.post("/webhooks/github", content=body, headers=headers)
    assert by_type.json()["matched"] == 1
    assert (await world.deliver(event="ping", delivery_id="p")).json() == {"ok": True, "matched": 0, "skipped": 0}
    assert len(await stored(world)) == 1
    assert (await world.anybody.get("/webhooks/hub")).status_code == 404


async def test_a_changed_secret_counts_at_once(world: GatewayWorld) -> None:
    world.credentials.put(CredentialRef("github_webhook_secret", "default"), {"secret": Secret("another one")})
    assert (await world.deliver()).status_code == 401


async def test_a_receipt_is_replayed_without_a_signature(world: GatewayWorld) -> None:
    first = (await world.deliver()).json()["receiptId"]
    for _ in range(2):
        again = await world.client.post(f"{API}/receipts/{first}/replay")
        assert (again.status_code, again.json()["matched"]) == (200, 1)
    found = await stored(world)
    assert [one.replay_of for one in found] == [first, first, ""]
    assert (await world.client.get(f"{API}/receipts?text=it%20broke&status=accepted&limit=2")).json()[0]["matched"] == 1
    assert (await world.client.get(f"{API}/receipts?status=fine")).status_code == 400
    assert (await world.client.get(f"{API}/audit")).json()[0]["action"] == "receipt.replay"


async def test_a_full_queue_is_told_and_the_delivery_kept(tmp_path: Path) -> None:
    made = hooked_world(tmp_path, ManualClock(), config='maxWorkQueueSize = 1\nqueue_full = "refuse"')
    async with gateway_world(made) as world:
        await world.client.post(f"{API}/pause")
        assert (await world.deliver(delivery_id="a")).status_code == 200
        full = await world.deliver(delivery_id="b")
        assert (full.status_code, errors(full)["code"], full.headers["retry-after"]) == (429, "busy", "5")
        await world.client.post(f"{API}/resume")
        await made.until_runs(1)
        again = await world.deliver(delivery_id="b")  # its sender tries once more
        assert again.json()["matched"] == 1
        assert [one.status for one in await stored(world)] == ["accepted", "refused", "accepted"]


async def test_a_paused_project_takes_deliveries(world: GatewayWorld) -> None:
    await world.client.post(f"{API}/pause")
    assert (await world.deliver()).json()["matched"] == 1
    assert world.world.runs_of() == []
    await world.client.post(f"{API}/resume")
    await world.world.until_runs(1)


async def test_a_sender_that_runs_wild_is_slowed(world: GatewayWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_paces, "BURST", 2)
    statuses = [(await world.deliver(delivery_id=str(number))).status_code for number in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert counted(world, "busy") == 2
