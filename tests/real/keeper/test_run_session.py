"""The runner's session over the run's socket, with the client library that the runner uses."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.keeper import run_session
from freehold.keeper.run_session import RunSession
from freehold.wire import session
from freehold.wire.runs import Phase
from tests.support.outside import within
from tests.support.run_world import RunWorld, run_world

HELLO = session.Hello(phase=Phase.SESSION)
ANSWER = session.Answer(permission_id="1", option_id="yes")
UPGRADE = (
    b"GET /v1/run/session HTTP/1.1\r\nHost: run\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RunWorld]:
    async with run_world(tmp_path) as made:
        yield made


def runner(world: RunWorld) -> connect:
    return unix_connect(str(world.path), "ws://run/v1/run/session", proxy=None)


async def heard(world: RunWorld, count: int) -> None:
    while len(world.said) < count:
        world.heard.clear()
        await within(world.heard.wait())


async def closed_because(connection: ClientConnection) -> str:
    async def drain() -> None:
        while True:
            await connection.recv()

    with pytest.raises(ConnectionClosed) as caught:
        await within(drain())
    assert caught.value.rcvd is not None
    return f"{caught.value.rcvd.code} {caught.value.rcvd.reason}"


async def test_both_sides_are_heard(world: RunWorld) -> None:
    async with runner(world) as connection:
        await connection.send(session.encode(HELLO))
        await connection.send(session.encode(session.EnterPhase(phase=Phase.POST_HOOKS)).decode())
        await heard(world, 2)
        assert world.said == [HELLO, session.EnterPhase(phase=Phase.POST_HOOKS)]
        assert world.session.connected
        world.session.send(ANSWER)
        assert session.decode_from_keeper(await within(connection.recv())) == ANSWER


async def test_what_is_said_before_the_runner_is_there_waits_for_it(world: RunWorld) -> None:
    messages = [session.Prompt(text=str(number)) for number in range(3)]
    for message in messages:
        world.session.send(message)
    async with runner(world) as connection:
        assert [session.decode_from_keeper(await within(connection.recv())) for _ in messages] == messages


async def test_what_a_broken_connection_did_not_take_goes_to_the_next_one(world: RunWorld) -> None:
    long = "x" * 200_000
    for number in range(20):
        world.session.send(session.Prompt(text=f"{number} {long}"))
    reader, writer = await asyncio.open_unix_connection(str(world.path))  # a runner that does not read
    writer.write(UPGRADE)
    await within(reader.readuntil(b"\r\n\r\n"))
    waiting = -1
    while waiting != (waiting := len(world.session._waiting)):
        await asyncio.sleep(0.05)
    assert waiting > 0
    writer.transport.abort()
    async with runner(world) as connection:
        message = session.decode_from_keeper(await within(connection.recv()))
        assert isinstance(message, session.Prompt)
        assert message.text.startswith(f"{20 - waiting - 1} ")


async def test_what_waits_is_bounded() -> None:
    async def ignore(message: session.FromRunner) -> None:
        del message

    alone = RunSession(ignore, print)
    for _ in range(run_session.MOST_WAITING):
        alone.send(ANSWER)
    with pytest.raises(FreeholdError) as caught:
        alone.send(ANSWER)
    assert caught.value.code is Code.BUSY


async def test_a_later_connection_takes_the_place_of_the_one_before(world: RunWorld) -> None:
    async with runner(world) as first:
        await first.send(session.encode(HELLO))
        await heard(world, 1)
        async with runner(world) as second:
            assert await closed_because(first) == "1001 another connection took its place"
            world.session.send(ANSWER)
            assert session.decode_from_keeper(await within(second.recv())) == ANSWER
            assert world.session.connected
    assert world.violations == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("not json", "a session message that is none"),
        ('{"type": "answer", "permission_id": "1", "option_id": "yes"}', "a session message that is none"),
        ('{"type": "phase", "phase": "lunch"}', "a session message that is none"),
        (b"\xff\xfe", "a session message that is none"),
    ],
)
async def test_nonsense_ends_the_connection_and_is_noted(world: RunWorld, said: str | bytes, why: str) -> None:
    async with runner(world) as connection:
        await connection.send(said)
        assert (await closed_because(connection)).startswith(f"1008 {why}")
    assert len(world.violations) == 1
    assert world.said == []
    async with runner(world) as again:
        await again.send(session.encode(HELLO))
        await heard(world, 1)


async def test_a_message_that_is_too_large_ends_the_connection(world: RunWorld) -> None:
    async with runner(world) as connection:
        await connection.send("x" * (run_session.LARGEST_MESSAGE + 1))
        assert (await closed_because(connection)).startswith("1009")
        await within(world.heard.wait())
    assert "exceeds" in world.violations[0]


async def test_a_flood_ends_the_connection(world: RunWorld) -> None:
    async with runner(world) as connection:

        async def flood() -> None:
            while True:
                await connection.send(session.encode(HELLO))

        with pytest.raises(ConnectionClosed):
            await within(flood())
    assert world.violations == ["more than 50 session messages a second"]
    assert len(world.said) < 1000


async def test_opening_it_again_and_again_is_refused(world: RunWorld) -> None:
    world.session._clock = FakeClock()
    for _ in range(int(run_session.CONNECTION_BURST)):
        async with runner(world):
            pass
    with pytest.raises(InvalidStatus) as caught:
        await runner(world)
    assert caught.value.response.status_code == 429


async def test_after_the_end_nobody_is_served(world: RunWorld) -> None:
    async with runner(world) as connection:
        await connection.send(session.encode(HELLO))
        await heard(world, 1)
        closing = asyncio.create_task(world.session.close())
        assert await closed_because(connection) == "1001 the run is over"
        await within(closing)
        with pytest.raises(InvalidStatus):
            await runner(world)


async def test_a_runner_that_hangs_does_not_hold_up_the_end(world: RunWorld) -> None:
    reader, writer = await asyncio.open_unix_connection(str(world.path))
    writer.write(UPGRADE)
    await within(reader.readuntil(b"\r\n\r\n"))
    await within(world.session.close())
    writer.close()
