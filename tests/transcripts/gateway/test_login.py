"""Logging in with a browser: sessions, their tokens, and what a wrong key costs."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from freehold.base.clock import ManualClock
from freehold.gateway.access import SESSION_LASTS
from freehold.gateway.throttle import ALL_BURST, EACH_BURST
from freehold.wire.service import API
from tests.support.gateway_world import PORT, GatewayWorld, errors, gateway_world, hooked_world


async def logged_in(world: GatewayWorld, **options: str) -> tuple[httpx2.AsyncClient, str]:
    client = world.asking(**options)  # type: ignore[arg-type]
    response = await client.post("/login", json={"key": world.key.reveal()})
    assert response.status_code == 200, response.text
    return client, response.json()["csrf"]


async def test_a_session_reads_and_with_its_token_changes(world: GatewayWorld) -> None:
    client, csrf = await logged_in(world)
    assert (await client.get(f"{API}/status")).status_code == 200
    for headers in ({}, {"x-csrf-token": "wrong"}):
        refused = await client.post(f"{API}/pause", headers=headers)
        assert (refused.status_code, errors(refused)["code"]) == (403, "denied")
    assert (await client.post(f"{API}/pause", headers={"x-csrf-token": csrf})).status_code == 200
    assert (await client.post("/logout", data={"csrf": csrf})).status_code == 303
    assert (await client.get(f"{API}/status")).status_code == 401


async def test_a_form_logs_in_and_goes_on_inside(world: GatewayWorld) -> None:
    for asked, led in (("/runs", "/runs"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("http://x", "/")):
        client = world.asking()
        response = await client.post("/login", data={"key": world.key.reveal(), "next": asked})
        assert (response.status_code, response.headers["location"]) == (303, led)
    wrong = await world.asking(address="10.0.0.9").post("/login", data={"key": "wrong"})
    assert (wrong.status_code, wrong.headers["location"]) == (303, "/login?failed=1")


async def test_the_cookie_is_for_us_alone(world: GatewayWorld) -> None:
    response = await world.anybody.post("/login", json={"key": world.key.reveal()})
    cookie = response.headers["set-cookie"].lower()
    # Lax: a link in a notice opens a page; what changes something needs the page's token besides.
    for word in ("httponly", "samesite=lax", "path=/", "max-age=86400"):
        assert word in cookie
    assert "secure" not in cookie  # there is no https here, and a browser would not send it back
    assert world.key.reveal().lower() not in cookie


async def test_by_https_the_cookie_is_of_this_very_host(tmp_path: Path) -> None:
    made = hooked_world(tmp_path, ManualClock(), project='[gateway]\nurl = "https://shop.example.com"\n')
    async with gateway_world(made) as world:
        by_https = world.asking(host="shop.example.com")
        response = await by_https.post("/login", json={"key": world.key.reveal()})
        cookie = response.headers["set-cookie"]
        name, _, session = cookie.partition(";")[0].partition("=")
        assert name == "__Host-fh_session"
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie  # else a browser would not take it under that name

        async def status(host: str, cookies: str) -> int:
            return (await world.asking(host=host).get(f"{API}/status", headers={"cookie": cookies})).status_code

        assert await status("shop.example.com", f"__Host-fh_session={session}") == 200
        # What a page of a sibling name may have set is not looked at.
        assert await status("shop.example.com", f"fh_session={session}") == 401
        assert await status(f"localhost:{PORT}", f"__Host-fh_session={session}") == 401
        assert await status(f"localhost:{PORT}", f"fh_session={session}") == 401  # it counts in its own cookie alone
        csrf = {"x-csrf-token": response.json()["csrf"], "cookie": f"__Host-fh_session={session}"}
        out = await world.asking(host="shop.example.com").post("/logout", headers=csrf)
        assert out.headers["set-cookie"].startswith('__Host-fh_session="";')
        assert "Secure" in out.headers["set-cookie"]
        assert await status("shop.example.com", f"__Host-fh_session={session}") == 401


async def test_a_session_that_is_not_used_ends(world: GatewayWorld) -> None:
    client, _ = await logged_in(world)
    clock = world.world.clock
    clock.advance(SESSION_LASTS.total_seconds() - 10)
    assert (await client.get(f"{API}/status")).status_code == 200
    clock.advance(SESSION_LASTS.total_seconds() - 10)
    assert (await client.get(f"{API}/status")).status_code == 200
    clock.advance(SESSION_LASTS.total_seconds() + 10)
    assert (await client.get(f"{API}/status")).status_code == 401


async def test_wrong_keys_are_slowed_and_time_forgives(world: GatewayWorld) -> None:
    clock: ManualClock = world.world.clock
    for _ in range(EACH_BURST):
        assert (await world.anybody.post("/login", json={"key": "wrong"})).status_code == 401
    refused = await world.anybody.post("/login", json={"key": "wrong"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "12")
    elsewhere = world.asking(address="10.0.0.7")
    assert (await elsewhere.post("/login", json={"key": "wrong"})).status_code == 401
    clock.advance(12)
    assert (await world.anybody.post("/login", json={"key": "wrong"})).status_code == 401


async def test_strangers_with_wrong_keys_keep_nobody_out(world: GatewayWorld) -> None:
    for number in range(ALL_BURST + 1):
        await world.asking(address=f"10.0.{number}.1").post("/login", json={"key": "wrong"})
        await world.anybody.post("/login", json={"key": "wrong"})
    assert (await world.anybody.post("/login", json={"key": "wrong"})).status_code == 429
    assert (await world.anybody.post("/login", json={"key": world.key.reveal()})).status_code == 200


@pytest.mark.parametrize("others", ["bad[]=1", 'a="', "=", "a", "\xff=1", "path=/; expires=never"])
async def test_cookies_of_other_programs_on_this_host_are_passed_over(world: GatewayWorld, others: str) -> None:
    client, _ = await logged_in(world)
    session = client.cookies["fh_session"]
    for cookies in (f"{others}; fh_session={session}", f"fh_session={session}; {others}"):
        header = {"cookie": cookies.encode("latin-1")}
        response = await world.asking().get(f"{API}/status", headers=header)  # type: ignore[arg-type]
        assert response.status_code == 200, cookies


async def test_many_addresses_are_slowed_together(world: GatewayWorld) -> None:
    for number in range(ALL_BURST):
        client = world.asking(address=f"10.0.{number}.1")
        assert (await client.post("/login", json={"key": "wrong"})).status_code == 401
    refused = await world.asking(address="10.9.9.9").post("/login", json={"key": "wrong"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")


async def test_wrong_bearers_are_slowed_and_right_ones_never(world: GatewayWorld) -> None:
    wrong = world.asking()
    wrong.headers["authorization"] = "Bearer nothing"
    statuses = [(await wrong.get(f"{API}/status")).status_code for _ in range(EACH_BURST + 2)]
    assert statuses == [401] * EACH_BURST + [429] * 2
    assert (await world.client.get(f"{API}/status")).status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer " + "x" * 10_000])
async def test_headers_that_are_no_key(world: GatewayWorld, header: str) -> None:
    client = world.asking()
    client.headers["authorization"] = header
    assert (await client.get(f"{API}/status")).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"key": 1}', b"[" * 50_000])
async def test_logins_that_say_nothing(world: GatewayWorld, body: bytes) -> None:
    assert (await world.anybody.post("/login", content=body)).status_code == 400


async def test_who_logs_in_and_from_where_is_audited(world: GatewayWorld) -> None:
    await world.asking(address="198.51.100.7").post("/login", json={"key": world.key.reveal()})
    behind = world.asking()
    behind.headers["x-forwarded-for"] = "10.9.9.9, 203.0.113.7"
    await behind.post("/login", json={"key": world.key.reveal()})
    forged = world.asking(address="198.51.100.7")
    forged.headers["x-forwarded-for"] = "127.0.0.1"
    await forged.post("/login", json={"key": world.key.reveal()})
    await world.anybody.post("/login", json={"key": "wrong"})
    entries = (await world.client.get(f"{API}/audit")).json()
    assert [(entry["action"], entry["address"]) for entry in entries] == [
        ("login", "198.51.100.7"),
        ("login", "203.0.113.7 through 127.0.0.1"),
        ("login", "198.51.100.7"),
    ]
