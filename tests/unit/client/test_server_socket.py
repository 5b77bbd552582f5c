"""A server's socket over hours: one connection, opened anew when it broke."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.client.server_socket import ServerSocket
from freehold.hosts.fake_host import FakeHost

PATH = "/var/lib/freehold/shop/gateway/console.sock"


@dataclass
class Logins:
    """Each makes a host on which somebody listens at `PATH`; with `error`, none is let in."""

    hosts: list[FakeHost] = field(default_factory=list)
    error: FreeholdError | None = None

    async def log_in(self) -> FakeHost:
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        self.hosts.append(FakeHost("prod", sockets={PATH: socket.socket.close}))
        return self.hosts[-1]


@pytest.fixture
def logins() -> Logins:
    return Logins()


@pytest.fixture
def there(logins: Logins) -> ServerSocket:
    return ServerSocket(logins.log_in, PATH)


async def test_all_go_over_one_connection_which_is_closed_at_the_end(there: ServerSocket, logins: Logins) -> None:
    for each in await asyncio.gather(*(there.open() for _ in range(5))):
        each.close()
    await there.close()
    assert [host.closed for host in logins.hosts] == [True]
    await there.close()


async def test_one_that_broke_is_opened_anew_once(there: ServerSocket, logins: Logins) -> None:
    (await there.open()).close()
    logins.hosts[0].cut = True
    for each in await asyncio.gather(*(there.open() for _ in range(3))):
        each.close()
    assert [host.closed for host in logins.hosts] == [True, False]


async def test_a_server_that_is_away_is_told_and_tried_again_by_the_next_one(
    there: ServerSocket, logins: Logins
) -> None:
    (await there.open()).close()
    logins.hosts[0].cut = True
    logins.error = FreeholdError(Code.UNREACHABLE, "prod cannot be reached")
    for _ in range(2):
        with pytest.raises(FreeholdError, match="prod cannot be reached"):
            await there.open()
    logins.error = None
    (await there.open()).close()
    assert len(logins.hosts) == 2


async def test_where_nobody_listens_nothing_is_tried_again(logins: Logins) -> None:
    there = ServerSocket(logins.log_in, "/nowhere")
    with pytest.raises(FreeholdError) as caught:
        await there.open()
    assert caught.value.code is Code.NOT_FOUND
    assert (await there.is_there(PATH), await there.is_there("/nowhere")) == (True, False)
    assert len(logins.hosts) == 1


async def test_a_connection_is_greeted_before_anybody_has_it(logins: Logins) -> None:
    greeted: list[socket.socket] = []

    def refuse(connection: socket.socket) -> None:
        greeted.append(connection)
        raise FreeholdError(Code.DENIED, "another one")

    with pytest.raises(FreeholdError, match="another one"):
        await ServerSocket(logins.log_in, PATH, refuse).open()
    assert [connection.fileno() for connection in greeted] == [-1], "it is closed"
