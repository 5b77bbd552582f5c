"""What is changed is in the audit, and neither is there without the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Connection

from freehold.scheduler.scheduler import Scheduler
from freehold.store.api_keys import Scope
from freehold.wire.service import API
from tests.support.gateway_world import GatewayWorld, errors
from tests.support.scheduling import manual

Change = Callable[[Scheduler, Callable[[Connection], None]], Awaitable[None]]


def refuse(_connection: Connection) -> None:
    raise RuntimeError("the audit cannot be written")


@pytest.mark.parametrize(
    "change",
    [
        lambda scheduler, also: scheduler.pause("p", also),
        lambda scheduler, also: scheduler.resume("p", also),
        lambda scheduler, also: scheduler.enable("dev", False, "p", also),
        lambda scheduler, also: scheduler.set_scale("dev", 3, "p", also),
    ],
    ids=["pause", "resume", "enable", "scale"],
)
async def test_what_cannot_be_noted_is_not_done(world: GatewayWorld, change: Change) -> None:
    scheduler = world.scheduler
    before = scheduler.agents.switches
    with pytest.raises(RuntimeError):
        await change(scheduler, refuse)
    assert scheduler.agents.switches == before


async def test_a_trigger_is_neither_discarded_nor_given_back_without_its_note(world: GatewayWorld) -> None:
    scheduler, client = world.scheduler, world.client
    await scheduler.pause("p")
    waiting = (await scheduler.intake.take(manual())).trigger.id
    with pytest.raises(RuntimeError):
        await scheduler.intake.discard(waiting, "p", refuse)
    assert (await world.world.trigger(waiting)).state == "waiting"
    await client.post(f"{API}/triggers/{waiting}/discard")
    for change in (scheduler.intake.replay(waiting, refuse), scheduler.intake.let_go(waiting, "p", refuse)):
        with pytest.raises(RuntimeError):
            await change
    assert (await world.world.trigger(waiting)).state == "dead"
    await client.post(f"{API}/triggers/{waiting}/replay")
    assert (await client.post(f"{API}/triggers/{waiting}/replay")).status_code == 404
    entries = (await client.get(f"{API}/audit")).json()
    assert [(entry["action"], entry["target"]) for entry in entries] == [
        ("trigger.replay", waiting),
        ("trigger.discard", waiting),
    ]


async def test_what_is_done_is_noted_with_its_facts(world: GatewayWorld) -> None:
    client = world.client
    await client.put(f"{API}/agents/dev/scale", json={"scale": 3})
    await client.post(f"{API}/agents/dev/disable")
    await client.post(f"{API}/agents/dev/kill")
    entries = (await client.get(f"{API}/audit")).json()
    assert [(entry["action"], entry["target"], entry["detail"]) for entry in entries] == [
        ("agent.kill", "dev", {"runs": [], "of": 0}),
        ("agent.disable", "dev", {}),
        ("agent.scale", "dev", {"scale": 3}),
    ]
    assert {(entry["actor"], entry["address"]) for entry in entries} == {("gateway_api_key:default", "127.0.0.1")}


async def test_the_audit_is_read_by_choice_and_by_admins_alone(world: GatewayWorld) -> None:
    await world.client.post(f"{API}/pause")
    world.world.clock.advance(3600)
    await world.client.post(f"{API}/resume")
    asked = await world.client.get(f"{API}/audit", params={"action": "pause"})
    [paused] = asked.json()
    since = {"since": paused["at"], "until": world.world.clock.now().isoformat()}
    assert (await world.client.get(f"{API}/audit", params=since)).json() == [paused]
    assert (await world.client.get(f"{API}/audit", params={"actor": "nobody"})).json() == []
    assert (await world.client.get(f"{API}/audit/names")).json() == {
        "actors": ["gateway_api_key:default"], "actions": ["pause", "resume"],
    }  # fmt: skip
    wrong = await world.client.get(f"{API}/audit", params={"since": "yesterday"})
    assert (wrong.status_code, errors(wrong)["message"]) == (400, "since is no moment")
    reader = await world.as_key(Scope.READ, Scope.TRIGGER)
    for path in ("/audit", "/audit/names", "/keys"):
        assert (await reader.get(f"{API}{path}")).status_code == 403


async def test_a_key_may_be_made_for_some_days(world: GatewayWorld) -> None:
    made = await world.client.post(f"{API}/keys", json={"name": "ci", "scopes": ["trigger"], "days": 7})
    assert made.status_code == 201
    [*_, key] = (await world.client.get(f"{API}/keys")).json()
    assert (key["name"], key["expires_at"]) == ("ci", made.json()["expires_at"])
    world.anybody.headers["authorization"] = f"Bearer {made.json()['key']}"
    assert (await world.anybody.get(f"{API}/status")).status_code == 200
    world.world.clock.advance(7 * 86_400 + 1)
    assert (await world.anybody.get(f"{API}/status")).status_code == 401
    for days in (0, -1, 4000, "7"):
        refused = await world.client.post(f"{API}/keys", json={"name": "ci", "scopes": ["read"], "days": days})
        assert refused.status_code == 400
