"""The API of a running project, asked as a client asks."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.api.table import ENDPOINTS
from freehold.gateway.gateway import watch_past
from freehold.project.triggering import QueueFull
from freehold.store import run_index
from freehold.store.api_keys import Scope
from freehold.wire.keeper import LONGEST_SAID, FinishChat, InterruptTurn, Say
from freehold.wire.run_api import CallRequest, LockRequest
from freehold.wire.runs import Result, RunError, RunState, RunView, Trigger
from freehold.wire.service import API
from tests.support.gateway_world import GatewayWorld, errors
from tests.support.scheduling import until


async def trigger(world: GatewayWorld, **body: Any) -> dict[str, Any]:
    response = await world.client.post(f"{API}/agents/dev/trigger", json=body)
    assert response.status_code == 202, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_an_agent_is_started_and_its_run_told_of(world: GatewayWorld) -> None:
    accepted = await trigger(world, prompt="Do this.")
    [run] = await world.world.until_runs(1)
    assert world.world.keeper.starts[-1].trigger.prompt == "Do this."
    world.world.keeper.end(run.run_id, value="done")
    await world.world.until_closed(1)
    told = (await world.client.get(f"{API}/runs/{run.run_id}")).json()
    assert (told["result"], told["return_value"], told["trigger"]["id"]) == (
        "completed",
        "done",
        accepted["trigger_id"],
    )
    detail = (await world.client.get(f"{API}/triggers/{accepted['trigger_id']}")).json()
    assert detail["trigger"]["state"] == "done"
    assert [attempt["run_id"] for attempt in detail["attempts"]] == [run.run_id]
    page = (await world.client.get(f"{API}/runs?agent=dev&result=completed&trigger=manual&limit=1")).json()
    assert [one["run_id"] for one in page["runs"]] == [run.run_id]
    status = (await world.client.get(f"{API}/status")).json()
    assert status["agents"][0]["last_run"]["run_id"] == run.run_id


async def test_a_trigger_with_a_key_is_taken_once(world: GatewayWorld) -> None:
    first, again = await trigger(world, key="k"), await trigger(world, key="k")
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert again["trigger_id"] == first["trigger_id"]
    await world.world.until_runs(1)


async def test_pause_holds_and_resume_lets_go_and_both_are_audited(world: GatewayWorld) -> None:
    await world.client.post(f"{API}/pause")
    accepted = await trigger(world)
    assert (accepted["note"], accepted["waiting"]) == (
        "the project is paused; `freehold resume` lets it begin",
        1,
    )
    queue = (await world.client.get(f"{API}/queue")).json()
    assert [one["id"] for one in queue] == [accepted["trigger_id"]]
    await world.client.post(f"{API}/resume")
    await world.world.until_runs(1)
    audit = (await world.client.get(f"{API}/audit")).json()
    assert [entry["action"] for entry in audit] == ["resume", "agent.trigger", "pause"]
    assert {entry["actor"] for entry in audit} == {"gateway_api_key:default"}


async def test_agents_are_switched_and_scaled(world: GatewayWorld) -> None:
    assert (await world.client.post(f"{API}/agents/dev/disable")).status_code == 200
    assert (await world.client.get(f"{API}/agents/dev")).json()["state"] == "disabled"
    await world.client.post(f"{API}/agents/dev/enable")
    assert (await world.client.put(f"{API}/agents/dev/scale", json={"scale": 0})).status_code == 200
    refused = await world.client.post(f"{API}/agents/dev/trigger", json={})
    assert (refused.status_code, errors(refused)["code"]) == (409, "conflict")
    await world.client.put(f"{API}/agents/dev/scale", json={"scale": None})
    assert (await world.client.get(f"{API}/agents")).json()[0]["scale"] == 1
    assert (await world.client.put(f"{API}/agents/dev/scale", json={"scale": -1})).status_code == 400


async def test_a_run_is_killed_retried_and_gone_on_with(world: GatewayWorld) -> None:
    await trigger(world, prompt="First.")
    [run] = await world.world.until_runs(1)
    too_early = await world.client.post(f"{API}/runs/{run.run_id}/continue", json={"prompt": "More."})
    assert too_early.status_code == 409
    await world.client.post(f"{API}/runs/{run.run_id}/kill", json={"reason": "it is wrong"})
    await world.world.until_closed(1)
    killed = (await world.client.get(f"{API}/runs/{run.run_id}")).json()
    assert (killed["result"], killed["error"]["message"]) == ("killed", "it is wrong")
    assert (await world.client.post(f"{API}/runs/{run.run_id}/kill", json={})).json()["result"] == "killed"
    assert (await world.client.post(f"{API}/runs/{run.run_id}/retry")).status_code == 202
    _, second = await world.world.until_runs(2)
    assert world.world.keeper.starts[-1].trigger.prompt == "First."
    world.world.keeper.end(second.run_id, Result.ERROR, value="half", error=RunError("failed", "no network"))
    await world.world.until_closed(2)
    going_on = await world.client.post(f"{API}/runs/{second.run_id}/continue", json={"prompt": "More."})
    assert going_on.status_code == 202
    await world.world.until_runs(3)
    prompt = world.world.keeper.starts[-1].trigger.prompt
    assert all(words in prompt for words in (second.run_id, "First.", "half", "no network", "Now: More."))
    assert (await world.client.post(f"{API}/agents/dev/kill", json={})).json() == {"killed": 1}
    await world.world.until_closed(3)


async def test_a_dead_letter_is_discarded_and_replayed(world: GatewayWorld) -> None:
    await world.client.post(f"{API}/pause")
    trigger_id = (await trigger(world))["trigger_id"]
    assert (await world.client.post(f"{API}/triggers/{trigger_id}/discard")).status_code == 200
    assert (await world.client.post(f"{API}/triggers/{trigger_id}/discard")).status_code == 404
    [letter] = (await world.client.get(f"{API}/dead-letters")).json()
    assert letter["reason"] == "discarded by gateway_api_key:default"
    assert (await world.client.get(f"{API}/status")).json()["dead_letters"] == 1
    assert (await world.client.post(f"{API}/triggers/{trigger_id}/replay")).json()["state"] == "waiting"
    assert (await world.client.get(f"{API}/dead-letters")).json() == []


async def test_a_dead_letter_is_given_up_for_good_and_nothing_else_is(world: GatewayWorld) -> None:
    await world.client.post(f"{API}/pause")
    trigger_id = (await trigger(world))["trigger_id"]
    assert (await world.client.post(f"{API}/dead-letters/{trigger_id}/discard")).status_code == 404  # it waits
    await world.client.post(f"{API}/triggers/{trigger_id}/discard")
    assert (await world.client.post(f"{API}/dead-letters/{trigger_id}/discard")).json() == {"ok": True}
    assert (await world.client.get(f"{API}/dead-letters")).json() == []
    assert (await world.client.post(f"{API}/triggers/{trigger_id}/replay")).status_code == 404
    told = (await world.client.get(f"{API}/triggers/{trigger_id}")).json()["trigger"]
    assert (told["state"], told["reason"]) == ("done", "discarded by gateway_api_key:default")


async def test_a_run_that_is_written_down_and_has_not_begun_waits(world: GatewayWorld) -> None:
    world.world.keeper.problem = FreeholdError(Code.UNREACHABLE, "Docker is away")
    accepted = await trigger(world)
    await until(lambda: bool(world.world.keeper.starts))
    run_id = world.world.keeper.starts[0].run_id
    told = (await world.client.get(f"{API}/runs/{run_id}")).json()
    assert (told["state"], told["trigger"]["id"]) == ("queued", accepted["trigger_id"])
    world.events.unknown.add(run_id)
    events = await world.client.get(f"{API}/runs/{run_id}/events")
    assert (events.status_code, events.content) == (200, b"")
    assert (await world.client.get(f"{API}/runs/dev-01j00000000000000000000000")).status_code == 404


async def test_a_permission_is_answered(world: GatewayWorld) -> None:
    await trigger(world)
    [run] = await world.world.until_runs(1)
    await until(lambda: run.run_id in world.scheduler.dispatcher.active)
    body = {"permission_id": "p", "option_id": "yes"}
    assert (await world.client.post(f"{API}/runs/{run.run_id}/answer", json=body)).json() == {"ok": True}
    assert world.events.answered == [(run.run_id, "p", "yes")]


async def test_keys_are_made_with_scopes_and_revoked(world: GatewayWorld) -> None:
    made = (await world.client.post(f"{API}/keys", json={"name": "ci", "scopes": ["trigger"]})).json()
    client = world.asking()
    client.headers["authorization"] = f"Bearer {made['key']}"
    assert (await client.get(f"{API}/status")).status_code == 200
    assert (await client.post(f"{API}/agents/dev/trigger", json={})).status_code == 202
    refused = await client.post(f"{API}/pause")
    assert (refused.status_code, errors(refused)["code"]) == (403, "denied")
    assert (await world.client.delete(f"{API}/keys/{made['id']}")).status_code == 200
    assert (await client.get(f"{API}/status")).status_code == 401
    assert (await world.client.delete(f"{API}/keys/{made['id']}")).status_code == 404
    keys = (await world.client.get(f"{API}/keys")).json()
    assert [(key["name"], key["revoked_at"] is None) for key in keys] == [
        ("gateway_api_key:default", True), ("ci", False),
    ]  # fmt: skip
    assert made["key"] not in str(keys)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x", "scopes": []}, 400),
        ({"name": "x", "scopes": ["root"]}, 400),
        ({"name": "", "scopes": ["read"]}, 400),
        ({"name": "gateway_api_key:default", "scopes": ["read"]}, 409),
        ({"name": "local", "scopes": ["read"]}, 409),
        ({"name": "a notice's link", "scopes": ["read"]}, 409),
        ({"name": "loc\u200bal", "scopes": ["read"]}, 409),
        ({"name": "\u202elacol", "scopes": ["read"]}, 409),
        ({"name": "x"}, 400),
        ([], 400),
    ],
)
async def test_keys_that_cannot_be(world: GatewayWorld, body: Any, status: int) -> None:
    assert (await world.client.post(f"{API}/keys", json=body)).status_code == status


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
async def test_every_endpoint_wants_its_scope(world: GatewayWorld, endpoint: Any) -> None:
    path = API + endpoint.path.replace("{name}", "dev").replace("{id}", "nothing")
    without = await world.anybody.request(endpoint.method, path)
    assert (without.status_code, errors(without)["code"]) == (401, "unauthenticated")
    assert without.headers["www-authenticate"] == "Bearer"
    less = {Scope.TRIGGER: Scope.READ, Scope.ADMIN: Scope.TRIGGER}.get(endpoint.scope)
    if less:
        refused = await (await world.as_key(less)).request(endpoint.method, path)
        assert (refused.status_code, errors(refused)["code"]) == (403, "denied")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/agents/nobody"), ("POST", "/agents/nobody/trigger"), ("POST", "/agents/nobody/enable"),
        ("POST", "/agents/nobody/kill"), ("GET", "/runs/dev-1"), ("POST", "/runs/dev-1/retry"),
        ("GET", "/runs/dev-1/events"), ("GET", "/triggers/x"), ("POST", "/triggers/x/replay"), ("GET", "/receipts/x"),
        ("POST", "/receipts/x/replay"), ("GET", "/runs/%00"), ("POST", "/triggers/a%00/replay"),
        ("GET", f"/runs/{'x' * 600}"), ("GET", "/nothing"), ("DELETE", "/keys/x"),
    ],
)  # fmt: skip
async def test_what_is_not_there(world: GatewayWorld, method: str, path: str) -> None:
    response = await world.client.request(method, API + path)
    assert (response.status_code, errors(response)["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=1e3",
        "result=fine",
        "trigger=x",
        "before=x",
        "before=2026-01-01",
        "agent=%00",
    ],
)
async def test_queries_that_mean_nothing(world: GatewayWorld, query: str) -> None:
    response = await world.client.get(f"{API}/runs?{query}")
    assert (response.status_code, errors(response)["code"]) == (400, "usage")


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"{", b"[]", b'{"prompt": 1}', b"[" * 100_000, b'{"context":' + b'{"a":' * 150 + b"1" + b"}" * 151],
)
async def test_bodies_that_mean_nothing(world: GatewayWorld, body: bytes) -> None:
    response = await world.client.post(f"{API}/agents/dev/trigger", content=body)
    assert (response.status_code, errors(response)["code"]) == (400, "protocol")


async def test_a_full_queue_is_told(world: GatewayWorld) -> None:
    rules = world.scheduler.agents.project.agents["dev"].triggering
    await world.client.post(f"{API}/pause")
    for _ in range(rules.most_waiting):
        await trigger(world)
    full = await world.client.post(f"{API}/agents/dev/trigger", json={})
    if rules.when_full is QueueFull.REFUSE:
        assert (full.status_code, errors(full)["code"], full.headers["retry-after"]) == (429, "busy", "5")
    else:
        assert full.status_code == 202
        assert len((await world.client.get(f"{API}/dead-letters")).json()) == 1


async def test_stop_is_asked_for(world: GatewayWorld) -> None:
    assert (await world.client.post(f"{API}/stop")).status_code == 202
    assert world.stopped


async def test_locks_are_seen_and_taken_away(world: GatewayWorld) -> None:
    await world.scheduler.locks.acquire("dev-1", LockRequest("github://acme/shop"))
    [lock] = (await world.client.get(f"{API}/locks")).json()
    assert (lock["uri"], lock["run_id"]) == ("github://acme/shop", "dev-1")
    assert (await world.client.post(f"{API}/locks/release", json={"uri": lock["uri"]})).status_code == 200
    assert (await world.client.post(f"{API}/locks/release", json={"uri": lock["uri"]})).status_code == 404


async def test_usage_by_day(world: GatewayWorld) -> None:
    await trigger(world)
    [run] = await world.world.until_runs(1)
    world.world.keeper.end(run.run_id, cost_usd=0.5)
    await world.world.until_closed(1)
    [day] = (await world.client.get(f"{API}/usage?days=1")).json()
    assert (day["agent"], day["runs"], day["cost_usd"]) == ("dev", 1, 0.5)


async def test_a_chat_is_begun_talked_in_and_finished(world: GatewayWorld) -> None:
    begun = await world.client.post(f"{API}/agents/dev/chat", json={"prompt": "Look at issue 12", "key": "k"})
    again = await world.client.post(f"{API}/agents/dev/chat", json={"prompt": "Look at issue 12", "key": "k"})
    assert (begun.status_code, again.json()["repeated"]) == (202, True)
    [run] = await world.world.until_runs(1)
    started = world.world.keeper.starts[0]
    assert (started.is_chat, started.trigger.prompt) == (True, "Look at issue 12")
    await until(lambda: run.run_id in world.scheduler.dispatcher.active)
    said = await world.client.post(f"{API}/runs/{run.run_id}/say", json={"text": "And 13", "message_id": "m"})
    assert said.json() == {"turn": 1, "ahead": 0}
    for verb in ("interrupt", "finish"):
        assert (await world.client.post(f"{API}/runs/{run.run_id}/{verb}")).json() == {"ok": True}
    by = "gateway_api_key:default"
    assert world.events.talk == [
        Say(run.run_id, "m", "And 13", by), InterruptTurn(run.run_id), FinishChat(run.run_id)
    ]  # fmt: skip


async def test_a_chat_that_cannot_be_is_refused_before_it_holds_its_agent(world: GatewayWorld) -> None:
    long = await world.client.post(f"{API}/agents/dev/chat", json={"prompt": "x" * (LONGEST_SAID + 1)})
    assert (long.status_code, errors(long)["code"]) == (413, "too_large")
    assert (await world.client.post(f"{API}/runs/none/say", json={"text": "Hello"})).status_code == 404
    (world.world.project / "agents/dev/test-script.sh").write_text("#!/bin/sh\n")
    world.scheduler.agents.edition = world.world.edition()
    script = await world.client.post(f"{API}/agents/dev/chat", json={})
    assert "test-script.sh" in errors(script)["message"]
    assert not world.world.keeper.starts


async def test_what_a_run_called_is_told(world: GatewayWorld) -> None:
    await trigger(world)
    [run] = await world.world.until_runs(1)
    await until(lambda: run.run_id in world.scheduler.dispatcher.active)
    assert (await world.client.get(f"{API}/runs/{run.run_id}/calls")).json() == []
    world.world.agent("planner")
    world.scheduler.agents.edition = world.world.edition()
    await world.scheduler.calls.call(run.run_id, CallRequest("planner", "Plan it."))
    [called] = await world.world.until_runs(1, "planner")
    world.world.keeper.end(called.run_id, value="a plan")
    await world.world.until_closed(1)
    [told] = (await world.client.get(f"{API}/runs/{run.run_id}/calls")).json()
    assert (told["agent"], told["status"], told["run_id"], told["return_value"]) == (
        "planner", "completed", called.run_id, "a plan",
    )  # fmt: skip
    view = (await world.client.get(f"{API}/runs/{called.run_id}")).json()
    assert view["trigger"] == {"type": "call", "source": run.run_id, "id": told["call_id"]}


async def test_a_whole_number_may_be_written_with_a_point(world: GatewayWorld) -> None:
    assert (await world.client.put(f"{API}/agents/dev/scale", content=b'{"scale": 2.0}')).status_code == 200
    assert (await world.client.put(f"{API}/agents/dev/scale", content=b'{"scale": 2.5}')).status_code == 400


async def test_a_run_of_before_the_start_is_an_agents_latest_one_once_it_is_listed(world: GatewayWorld) -> None:
    gateway = world.gateway
    watching = asyncio.create_task(watch_past(gateway))
    past = RunView(
        run_id="dev-01", agent="dev", attempt=1, trigger=Trigger(), state=RunState.FINISHED,
        queued_at="2025-12-31T00:00:00.000Z", finished_at="2025-12-31T00:00:00.000Z", result=Result.COMPLETED,
    )  # fmt: skip
    await gateway.service.database.write(lambda connection: run_index.record(connection, past))
    gateway.views.latest["dev"] = msgspec.structs.replace(past, run_id="dev-00", queued_at="2025-12-30T00:00:00.000Z")
    assert (await world.client.get(f"{API}/agents/dev")).json()["last_run"]["run_id"] == "dev-00"
    gateway.service.past_listed.set()
    await watching
    assert (await world.client.get(f"{API}/agents/dev")).json()["last_run"]["run_id"] == "dev-01"
