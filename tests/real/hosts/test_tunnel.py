"""A server's sockets for callers without an event loop."""

from __future__ import annotations

import concurrent.futures
import gc
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.client.tunnel import Tunnel
from freehold.hosts.target import Target
from freehold.project.host_key import Pin
from freehold.store.known_hosts import KnownHosts
from tests.support.ssh_server import SshServer, make_key, me, ssh_problem, ssh_server

pytestmark = pytest.mark.skipif(bool(ssh_problem()), reason=ssh_problem() or "-")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "sshd", make_key(tmp_path / "key")) as server:
        yield server


@pytest.fixture
def tunnel(server: SshServer, tmp_path: Path) -> Iterator[Tunnel]:
    pin = Pin.parse(str(server.host_key))
    target = Target("127.0.0.1", "prod", me(), server.port, str(tmp_path / "key"), pin=pin)
    tunnel = Tunnel(target, KnownHosts(tmp_path))
    yield tunnel
    tunnel.close()
    gc.collect()  # what was left open is told of now


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        yield listener


def says(tunnel: Tunnel, listener: socket.socket) -> bytes:
    with tunnel.open(listener.getsockname()) as ours, listener.accept()[0] as theirs:
        theirs.sendall(b"here")
        ours.settimeout(20)
        return ours.recv(9)


def test_many_callers_share_one_connection(server: SshServer, tunnel: Tunnel, listener: socket.socket) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        sockets = list(threads.map(lambda _: tunnel.open(listener.getsockname()), range(8)))
    for each in sockets:
        each.close()
    assert server.log.count("Accepted publickey") == 1


def test_a_connection_that_broke_is_opened_once_more(
    server: SshServer, tunnel: Tunnel, listener: socket.socket
) -> None:
    assert says(tunnel, listener) == b"here"
    server.stop()
    server.start()
    assert says(tunnel, listener) == b"here"
    server.stop()
    for _ in range(2):
        with pytest.raises(FreeholdError) as raised:
            tunnel.open(listener.getsockname())
        assert raised.value.code is Code.UNREACHABLE


def test_nobody_there(tunnel: Tunnel, tmp_path: Path) -> None:
    with pytest.raises(FreeholdError) as raised:
        tunnel.open(str(tmp_path / "absent"))
    assert raised.value.code is Code.NOT_FOUND
