"""The paths of the system before, as a client of it calls them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from freehold.gateway.legacy.scan import KEPT_S, MOST_BYTES
from freehold.gateway.legacy.table import ENDPOINTS
from freehold.store import run_index
from freehold.wire.runs import Result
from freehold.wire.service import API
from tests.support.gateway_world import GatewayWorld
from tests.support.scheduling import until


async def get(world: GatewayWorld, path: str) -> dict[str, Any]:
    response = await world.client.get(path)
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


async def listed_run(world: GatewayWorld) -> str:
    """It is in the database, too, which is a moment later."""
    run_id = await one_run(world)
    while not await world.gateway.service.database.read(lambda connection: run_index.find(connection, run_id)):
        await asyncio.sleep(0.001)
    return run_id


async def one_run(world: GatewayWorld) -> str:
    number = len(world.world.runs_of())
    response = await world.client.post("/control/trigger/dev", json={"prompt": "Do it."})
    assert response.json()["success"]
    run_id = (await world.world.until_runs(number + 1))[-1].run_id
    await until(lambda: run_id in world.scheduler.dispatcher.active)
    return run_id


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
async def test_every_path_wants_a_key(world: GatewayWorld, endpoint: Any) -> None:
    path = endpoint.path.replace("{name}", "dev").replace("{id}", "nothing")
    response = await world.anybody.request(endpoint.method, path)
    assert response.status_code == 401
    assert set(response.json()) == {"error"}


async def test_status_and_instances(world: GatewayWorld) -> None:
    run_id = await one_run(world)
    [instance] = (await get(world, "/control/instances"))["instances"]
    assert (instance["id"], instance["agentName"], instance["status"]) == (run_id, "dev", "running")
    status = await get(world, "/control/status")
    assert set(status) == {"scheduler", "instances", "agents", "running", "queueSizes"}
    assert (status["running"], status["agents"][0]["state"], status["queueSizes"]) == (1, "running", {"dev": 0})


async def test_control(world: GatewayWorld) -> None:
    async def post(path: str, **body: Any) -> httpx2.Response:
        return await world.client.post(f"/control/{path}", json=body)

    assert (await post("pause")).json() == {"success": True, "message": "Scheduler paused"}
    assert (await get(world, "/control/status"))["scheduler"]["paused"]
    assert (await post("resume")).json()["message"] == "Scheduler resumed"
    for verb, enabled in (("disable", False), ("enable", True), ("pause", False), ("resume", True)):
        assert (await post(f"agents/dev/{verb}")).status_code == 200
        assert (await get(world, "/control/status"))["agents"][0]["enabled"] is enabled
    run_id = await one_run(world)
    assert (await post(f"kill/{run_id}")).status_code == 200
    await world.world.until_closed(1)
    await one_run(world)
    assert (await post("agents/dev/kill")).json()["killed"] == 1
    assert (await post("agents/dev/scale", scale=3)).status_code == 200
    for wrong in (0, -1, "x", 1.5, None):
        assert (await post("agents/dev/scale", scale=wrong)).status_code == 400
    assert (await post("agents/nobody/scale", scale=1)).status_code == 404
    assert (await post("kill/dev-1")).status_code == 404
    assert (await post("trigger/nobody")).status_code == 404
    assert (await post("project/scale", scale=2)).status_code == 409
    assert (await post("stop")).json()["success"]
    assert world.stopped


async def test_login_by_the_old_paths(world: GatewayWorld) -> None:
    client = world.asking()
    answer = await client.post("/api/auth/login", json={"key": world.key.reveal()})
    assert answer.json()["success"]
    assert (await client.get("/api/auth/check")).json() == {"authenticated": True}
    csrf = {"x-csrf-token": answer.json()["csrf"]}
    assert (await client.post("/api/auth/logout", headers=csrf)).json() == {"success": True}
    assert (await client.get("/api/auth/check")).status_code == 401


async def test_stats(world: GatewayWorld) -> None:
    runs = []
    for result in (Result.COMPLETED, Result.ERROR, Result.KILLED):
        runs.append(await one_run(world))
        world.world.keeper.end(runs[-1], result)
        world.world.clock.advance(1)
        await world.world.until_closed(len(runs))
    await world.client.post(f"{API}/pause")
    await world.client.post("/control/trigger/dev", json={})
    page = await get(world, "/api/stats/agents/dev/runs?page=2&limit=2")
    assert (page["total"], [row["instanceId"] for row in page["runs"]]) == (3, [runs[0]])
    assert (await get(world, f"/api/stats/agents/dev/runs/{runs[0]}"))["run"]["result"] == "completed"
    assert await get(world, "/api/stats/agents/dev/runs/dev-1") == {"run": None}
    activity = await get(world, "/api/stats/activity?limit=2")
    assert ([row["result"] for row in activity["rows"]], activity["total"]) == (["pending", "error"], 4)
    rest = await get(world, "/api/stats/activity?limit=2&offset=2")
    assert [row["result"] for row in rest["rows"]] == ["error", "completed"]
    failed = await get(world, "/api/stats/activity?status=error")
    assert [row["instanceId"] for row in failed["rows"]] == runs[:0:-1]
    jobs = await get(world, "/api/stats/jobs?agent=dev")
    assert (jobs["pending"], jobs["totalPending"], jobs["total"]) == ({"dev": 1}, 1, 3)
    triggers = await get(world, "/api/stats/triggers?triggerType=manual&all=1")
    assert triggers["total"] == 3
    assert (await get(world, "/api/stats/triggers?triggerType=webhook"))["total"] == 0
    for wrong in ("status=x", "triggerType=x", "limit=101", "since=x"):
        assert (await world.client.get(f"/api/stats/activity?{wrong}")).status_code == 400


async def test_webhooks(world: GatewayWorld) -> None:
    receipt_id = (await world.deliver()).json()["receiptId"]
    receipt = (await get(world, f"/api/stats/webhooks/{receipt_id}"))["receipt"]
    assert (receipt["status"], receipt["deliveryId"], receipt["matchedAgents"]) == ("processed", "d-1", 1)
    replayed = await world.client.post(f"/api/webhooks/{receipt_id}/replay")
    assert (replayed.json()["matched"], replayed.json()["replayReceiptId"] != receipt_id) == (1, True)
    assert (await world.client.get("/api/stats/webhooks/x")).status_code == 404


async def test_logs_are_filtered_before_they_are_cut(world: GatewayWorld) -> None:
    run_id = await one_run(world)
    for number in range(10):
        level = "error" if number % 2 else "info"
        ts = f"2026-01-01T00:00:{number:02d}.000Z"
        world.events.say(run_id, "log", ts=ts, level=level, text=f"line {number}")

    async def texts(query: str) -> tuple[list[str], dict[str, Any]]:
        page = await get(world, f"/api/logs/agents/dev/{run_id}?{query}")
        return [entry["text"][-1] for entry in page["entries"]], page

    found, page = await texts("level=error&lines=3")
    assert (found, page["hasMore"]) == (["5", "7", "9"], True)
    found, _ = await texts(f"level=error&lines=3&back_cursor={page['backCursor']}")
    assert found == ["1", "3"]
    found, last = await texts(f"cursor={page['cursor']}")
    assert (found, last["cursor"]) == ([], page["cursor"])
    world.events.say(run_id, "log", ts="2026-01-01T00:01:00.000Z", text="line x")
    world.world.clock.advance(KEPT_S)
    assert (await texts(f"cursor={page['cursor']}"))[0] == ["x"]
    assert (await texts("grep=line%20[23]"))[0] == ["2", "3"]
    assert len((await get(world, "/api/logs/agents/dev"))["entries"]) == 11


async def test_what_was_read_is_kept_for_a_second_and_read_once_for_all(world: GatewayWorld) -> None:
    run_id = await listed_run(world)
    await asyncio.gather(*(get(world, "/api/logs/agents/dev?level=error") for _ in range(5)))
    await get(world, "/api/logs/agents/dev?lines=2")
    assert world.events.followed == [run_id]
    world.world.clock.advance(KEPT_S)
    await get(world, "/api/logs/agents/dev")
    await get(world, f"/api/logs/agents/dev/{run_id}")
    assert world.events.followed == [run_id] * 3


async def test_no_more_is_read_than_so_much(world: GatewayWorld) -> None:
    run_id = await listed_run(world)
    for _ in range(40):
        world.events.say(run_id, "log", ts="2026-01-01T00:00:00.000Z", text="x" * 1_000_000)
    page = await get(world, f"/api/logs/agents/dev/{run_id}")
    assert len(page["entries"]) == MOST_BYTES // 1_000_000
    assert page["truncated"]
    world.world.clock.advance(KEPT_S)
    assert (await get(world, "/api/logs/agents/dev?lines=1"))["truncated"]


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("agents/Dev", "", "Invalid agent name"),
        ("agents/..%2fx", "", "Invalid agent name"),
        ("agents/dev/other-1", "", "Invalid instance ID"),
        ("agents/dev", "cursor=%25", "Invalid cursor"),
        ("agents/dev", "grep=(", "Invalid grep pattern"),
        ("agents/dev", "lines=2001", "lines is a number"),
        ("agents/dev", "level=loud", "level"),
    ],
)
async def test_logs_that_cannot_be_asked_for(world: GatewayWorld, path: str, query: str, words: str) -> None:
    await one_run(world)
    response = await world.client.get(f"/api/logs/{path}?{query}")
    assert response.status_code in (400, 404)
    assert words in response.text


async def test_a_search_that_is_meant_to_hang_is_ended(world: GatewayWorld) -> None:
    run_id = await one_run(world)
    world.events.say(run_id, "log", text="a" * 60)
    response = await world.client.get(f"/api/logs/agents/dev/{run_id}", params={"grep": "(a|aa)+$"})
    assert response.status_code == 400
    assert "takes longer" in response.json()["error"]
    assert (await world.anybody.get("/health")).status_code == 200
