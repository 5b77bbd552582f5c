"""The console through a port of another machine: any port, but a key is needed, and pages of others change nothing."""

from __future__ import annotations

import pytest

from freehold.wire.service import API
from tests.support.gateway_world import GatewayWorld, errors

PORTS = ("127.0.0.1:8081", "localhost:65000", "[::1]:1234")


@pytest.mark.parametrize("host", PORTS)
async def test_at_any_port_a_key_lets_in_and_nothing_else(world: GatewayWorld, host: str) -> None:
    client = world.asking(forwarded=True, host=host)
    assert (await client.get(f"{API}/status")).status_code == 401
    page = {"origin": f"http://{host}"}
    wrong = await client.post("/login", json={"key": "wrong"}, headers=page)
    assert wrong.status_code == 401
    right = await client.post("/login", json={"key": world.key.reveal()}, headers=page)
    assert right.status_code == 200
    assert (await client.get(f"{API}/status")).status_code == 200
    token = {**page, "x-csrf-token": right.json()["csrf"]}
    assert (await client.post(f"{API}/pause", headers=page)).status_code == 403
    assert (await client.post(f"{API}/pause", headers=token)).status_code == 200
    done = (await client.get(f"{API}/audit")).json()[0]
    assert (done["action"], done["address"]) == ("pause", "console.sock")


async def test_consoles_at_two_ports_do_not_log_each_other_out(world: GatewayWorld) -> None:
    cookies: dict[str, str] = {}
    for port, forwarded in ((8080, False), (8081, True), (8082, True)):
        client = world.asking(forwarded=forwarded, host=f"127.0.0.1:{port}")
        assert (await client.post("/login", json={"key": world.key.reveal()})).status_code == 200
        cookies |= dict(client.cookies)
    assert sorted(cookies) == ["fh_session", "fh_session_8081", "fh_session_8082"]
    asks = world.asking(forwarded=True, host="127.0.0.1:8081")
    for name, status in (("fh_session_8081", 200), ("fh_session_8082", 401), ("fh_session", 401)):
        answer = await asks.get(f"{API}/status", headers={"cookie": f"{name}={cookies[name]}"})
        assert answer.status_code == status


@pytest.mark.parametrize("port", ["8081", "8082"])
async def test_a_session_that_went_to_another_port_opens_nothing_elsewhere(world: GatewayWorld, port: str) -> None:
    """Browsers send the cookies of all ports of a machine to each: to the gateways of other servers, too."""
    client = world.asking(forwarded=True, host=f"127.0.0.1:{port}")
    assert (await client.post("/login", json={"key": world.key.reveal()})).status_code == 200
    taken = client.cookies[f"fh_session_{port}"]
    elsewhere = world.asking()
    for name in ("fh_session", f"fh_session_{port}"):
        answer = await elsewhere.get(f"{API}/status", headers={"cookie": f"{name}={taken}"})
        assert answer.status_code == 401
    other = await world.asking(forwarded=True, host="127.0.0.1:8099").get(
        f"{API}/status", headers={"cookie": f"fh_session_8099={taken}"}
    )
    assert other.status_code == 401
    forged = f"fh_session.{taken.partition('.')[2]}"
    answer = await elsewhere.get(f"{API}/status", headers={"cookie": f"fh_session={forged}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("host", ["evil.example:8081", "127.0.0.1.evil.example", "10.0.0.5:8081", "prod"])
async def test_other_names_are_refused(world: GatewayWorld, host: str) -> None:
    answer = await world.asking(world.key, forwarded=True, host=host).get(f"{API}/status")
    assert (answer.status_code, errors(answer)["code"]) == (421, "misdirected")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8082", "http://localhost:8081", "https://evil.example", "null"])
async def test_a_page_at_another_port_changes_nothing(world: GatewayWorld, origin: str) -> None:
    client = world.asking(world.key, forwarded=True, host="127.0.0.1:8081")
    answer = await client.post(f"{API}/pause", headers={"origin": origin})
    assert (answer.status_code, errors(answer)["code"]) == (403, "denied")
