"""The keeper's socket: JSON-RPC between the real server and the real client, and what a bad client can do (nothing)."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.sockets import connect_unix
from freehold.client.keeper import KeeperConnection, connect
from freehold.keeper.rpc_server import Caller, RpcServer, Verb


class Sum(msgspec.Struct):
    one: int
    other: int


async def add(_caller: Caller, request: Sum) -> int:
    return request.one + request.other


async def refuse(_caller: Caller, _request: dict[str, Any]) -> None:
    raise FreeholdError(Code.CREDENTIAL, "no key", "freehold creds add anthropic_key")


async def fail(_caller: Caller, _request: dict[str, Any]) -> None:
    raise ValueError("a defect")


async def count(caller: Caller, _request: dict[str, Any]) -> str:
    for number in range(3):
        await caller.notify("number", number)
    return "counted"


async def echo(caller: Caller, _request: dict[str, Any]) -> str:
    async def back(params: msgspec.Raw) -> None:
        await caller.notify("echo", msgspec.json.decode(params))

    caller.on("say", back)
    return "listening"


async def ask_back(caller: Caller, request: Sum) -> int:
    return await caller.ask("double", request.one, int)


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[Path]:
    # Deeper than a socket address can be long.
    project = tmp_path / ("deep" * 20) / ("deeper" * 10)
    (project / ".freehold").mkdir(parents=True)
    served: dict[str, tuple[type, Verb]] = {
        "add": (Sum, add),
        "refuse": (dict, refuse),
        "count": (dict, count),
        "fail": (dict, fail),
        "echo": (dict, echo),
        "ask back": (Sum, ask_back),
    }
    server = RpcServer(project / ".freehold" / "keeper.sock", served)
    await server.open()
    yield project
    await server.close()


@pytest.fixture
async def keeper(project: Path) -> AsyncIterator[KeeperConnection]:
    connection = await connect(project, project, start=False)
    yield connection
    await connection.close()


async def test_calls_are_answered_by_their_own_answers(keeper: KeeperConnection) -> None:
    answers = await asyncio.gather(*(keeper.call("add", Sum(number, 1), int) for number in range(50)))
    assert answers == list(range(1, 51))


async def test_an_error_arrives_whole(keeper: KeeperConnection) -> None:
    with pytest.raises(FreeholdError) as raised:
        await keeper.call("refuse", {}, type(None))
    assert (raised.value.code, raised.value.message, raised.value.hint) == (
        Code.CREDENTIAL,
        "no key",
        "freehold creds add anthropic_key",
    )


async def test_wrong_parameters_and_unknown_methods_are_named(keeper: KeeperConnection) -> None:
    with pytest.raises(FreeholdError, match="other"):
        await keeper.call("add", {"one": 1}, int)
    with pytest.raises(FreeholdError, match="'nosuch'"):
        await keeper.call("nosuch", {}, int)
    assert await keeper.call("add", Sum(1, 1), int) == 2


async def test_a_defect_is_an_answer_and_the_connection_goes_on(keeper: KeeperConnection) -> None:
    with pytest.raises(FreeholdError) as raised:
        await keeper.call("fail", {}, type(None))
    assert (raised.value.code, raised.value.message) == (Code.INTERNAL, "ValueError: a defect")
    assert await keeper.call("add", Sum(1, 1), int) == 2


async def test_notifications_go_both_ways(keeper: KeeperConnection) -> None:
    assert await keeper.call("count", {}, str) == "counted"
    assert await keeper.call("echo", {}, str) == "listening"
    await keeper.notify("say", "hello")
    seen: list[object] = []
    async for method, params in keeper.notices():
        seen.append((method, msgspec.json.decode(params)))
        if method == "echo":
            break
    assert seen == [("number", 0), ("number", 1), ("number", 2), ("echo", "hello")]


async def test_the_socket_is_for_its_user_alone(project: Path) -> None:
    assert stat.S_IMODE((project / ".freehold" / "keeper.sock").stat().st_mode) == 0o600


@pytest.mark.parametrize("junk", [b"not json\n", b"[]\n", b"\xff\xfe\n", b"x" * (17 * 1024 * 1024), b""])
async def test_junk_ends_that_connection_and_no_other(project: Path, keeper: KeeperConnection, junk: bytes) -> None:
    bad = connect_unix(project / ".freehold" / "keeper.sock")
    try:
        await asyncio.to_thread(_send_and_wait, bad, junk)
    finally:
        bad.close()
    assert await keeper.call("add", Sum(2, 2), int) == 4


def _send_and_wait(connection: socket.socket, junk: bytes) -> None:
    connection.settimeout(10)
    try:
        connection.sendall(junk)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server hung up before it had read all of it


async def test_without_a_keeper_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FreeholdError) as raised:
        await connect(tmp_path, tmp_path, start=False)
    assert raised.value.code is Code.UNREACHABLE
    assert str(tmp_path) in raised.value.message


async def test_a_keeper_that_goes_away_ends_its_calls(project: Path) -> None:
    forever = asyncio.Event()

    async def wait(_caller: Caller, _request: dict[str, Any]) -> None:
        await forever.wait()

    server = RpcServer(project / ".freehold" / "keeper.sock", {"wait": (dict, wait)})
    await server.open()
    connection = await connect(project, project, start=False)
    call = asyncio.create_task(connection.call("wait", {}, type(None)))
    await asyncio.sleep(0.05)
    await server.close()
    server.hang_up()
    with pytest.raises(FreeholdError) as raised:
        await call
    assert raised.value.code is Code.UNREACHABLE
    await connection.close()


async def test_the_keeper_asks_its_client(keeper: KeeperConnection) -> None:
    async def double(params: msgspec.Raw) -> int:
        await asyncio.sleep(0)
        return 2 * int(msgspec.json.decode(params))

    keeper.answer({"double": double})
    answers = await asyncio.gather(*(keeper.call("ask back", Sum(n, 0), int) for n in range(50)))
    assert answers == [2 * n for n in range(50)]


@pytest.mark.parametrize("kind", ["refuses", "fails", "has no such method"])
async def test_a_client_that_cannot_answer_says_why(keeper: KeeperConnection, kind: str) -> None:
    async def cannot(_params: msgspec.Raw) -> int:
        if kind == "refuses":
            raise FreeholdError(Code.CONFLICT, "held by another")
        raise ValueError("a defect")

    keeper.answer({} if kind == "has no such method" else {"double": cannot})
    with pytest.raises(FreeholdError) as caught:
        await keeper.call("ask back", Sum(1, 0), int)
    codes = {"refuses": Code.CONFLICT, "fails": Code.INTERNAL, "has no such method": Code.USAGE}
    assert caught.value.code is codes[kind]


async def test_answers_that_nobody_asked_for_are_passed_over(keeper: KeeperConnection) -> None:
    keeper._writer.write(b'{"jsonrpc":"2.0","id":99,"result":1}\n{"jsonrpc":"2.0","result":1}\n')
    assert await keeper.call("add", Sum(1, 2), int) == 3
