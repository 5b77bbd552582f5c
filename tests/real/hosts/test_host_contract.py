"""The promises of `Host`, kept by every implementation."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.host import Command, Host, Outcome, RemoteFile
from freehold.hosts.local_host import LocalHost
from freehold.hosts.script import run_script
from freehold.hosts.ssh_host import open_ssh_host
from freehold.hosts.target import Target
from freehold.store.known_hosts import KnownHosts
from tests.support.ssh_server import SshServer, make_key, me, ssh_problem, ssh_server

pytestmark = pytest.mark.skipif(bool(ssh_problem()), reason=ssh_problem() or "-")
STRANGE = [
    "",
    "a b",
    "it's",
    '"$(id)"',
    "`id`",
    "a\nb",
    "*",
    "~",
    "-n",
    "ä€",
    "\\",
    "\\\\n",
    "!x",
    ";",
    "a\tb",
    "$HOME",
]


@dataclass
class World:
    host: Host
    folder: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    folder = tmp_path_factory.mktemp("sshd")
    with ssh_server(folder, make_key(folder / "key")) as server:
        yield server


@pytest.fixture(params=["fake", "local", "ssh"])
async def world(request: pytest.FixtureRequest, tmp_path: Path, server: SshServer) -> AsyncIterator[World]:
    if request.param == "fake":
        host: Host = fake_of(tmp_path)
    elif request.param == "local":
        host = LocalHost()
    else:
        known = KnownHosts(tmp_path / "home")
        known.pin(server.place, server.host_key)
        target = Target("127.0.0.1", "box", me(), server.port, str(server.folder / "key"))
        host = await open_ssh_host(target, known)
    yield World(host, tmp_path)
    await host.close()


def fake_of(folder: Path) -> FakeHost:
    def words(command: Command) -> Outcome:
        return Outcome(0, "\0".join(command.argv[2:]).encode())

    def nap(command: Command) -> Outcome:
        threading.Event().wait(0.5)
        return Outcome(0)

    return FakeHost(
        replies={
            ("printf", "%s\\0"): words,
            ("cat",): lambda command: Outcome(0, command.stdin),
            ("sh", "-c", "echo out; echo no such luck >&2; exit 3"): Outcome(3, b"out\n", b"no such luck\n"),
            ("sh", "-c", "kill -9 $$"): Outcome(137),
            ("sleep", "30"): nap,
            ("true",): Outcome(0),
            ("seq", "3"): Outcome(0, b"1\n2\n3\n"),
            ("sh", "-c", "echo 1; exit 4"): Outcome(4, b"1\n"),
        },
        scripts={"double": lambda document: {"doubled": [value * 2 for value in document["values"]]}},
        sockets={str(folder / "s"): echo_once},
    )


def echo_once(connection: socket.socket) -> None:
    def serve() -> None:
        with connection:
            while data := connection.recv(4096):
                connection.sendall(data.upper())

    threading.Thread(target=serve, daemon=True).start()


@contextlib.contextmanager
def echo_at(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    echo_once(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield


async def test_words_arrive_as_they_are(world: World) -> None:
    outcome = await world.host.run(Command(("printf", "%s\\0", *STRANGE)))
    assert outcome.stdout.decode().removesuffix("\0").split("\0") == STRANGE


async def test_standard_input_arrives_whole(world: World) -> None:
    data = os.urandom(3_000_000)
    assert (await world.host.run(Command(("cat",), stdin=data))).stdout == data


async def test_input_that_nobody_reads_is_no_error(world: World) -> None:
    assert await world.host.run(Command(("true",), stdin=bytes(5_000_000))) == Outcome(0)


async def test_a_failure_is_an_outcome(world: World) -> None:
    outcome = await world.host.run(Command(("sh", "-c", "echo out; echo no such luck >&2; exit 3")))
    assert outcome == Outcome(3, b"out\n", b"no such luck\n")
    assert outcome.complaint == "no such luck"


async def test_a_signal_is_a_status(world: World) -> None:
    assert (await world.host.run(Command(("sh", "-c", "kill -9 $$")))).status == 137


async def test_a_program_that_is_not_there(world: World) -> None:
    outcome = await world.host.run(Command(("fh-no-such-program",)))
    assert outcome.status == 127
    assert "not found" in outcome.complaint


async def test_what_takes_too_long_is_ended(world: World) -> None:
    with pytest.raises(FreeholdError, match=r"sleep on .* took longer than 0\.1 s") as raised:
        await world.host.run(Command(("sleep", "30"), timeout_s=0.1))
    assert raised.value.code is Code.TIMEOUT
    assert (await world.host.run(Command(("true",)))).status == 0  # the connection is as good as before


async def test_several_at_once(world: World) -> None:
    outcomes = await asyncio.gather(*(world.host.run(Command(("cat",), stdin=b"%d" % n)) for n in range(24)))
    assert [outcome.text for outcome in outcomes] == [str(n) for n in range(24)]


async def test_lines_come_one_by_one(world: World) -> None:
    assert [line async for line in world.host.lines(Command(("seq", "3")))] == [b"1\n", b"2\n", b"3\n"]


async def test_lines_of_a_command_that_fails(world: World) -> None:
    lines = world.host.lines(Command(("sh", "-c", "echo 1; exit 4")))
    assert await anext(lines) == b"1\n"
    with pytest.raises(FreeholdError) as raised:
        await anext(lines)
    assert raised.value.code is Code.FAILED
    assert "exit code 4" in raised.value.message


async def test_files_go_there_and_come_back(world: World) -> None:
    (world.folder / "large").write_bytes(large := os.urandom(1_000_001))
    name = f"deep/{'n' * 120}/it's $(here) \n.txt"
    files = [
        RemoteFile("empty", b""),
        RemoteFile(name, b"words", 0o600),
        RemoteFile("bin/large", world.folder / "large", 0o755),
    ]
    place = str(world.folder / "a place")
    await world.host.put(files, place)
    assert await world.host.get(f"{place}/empty") == b""
    assert await world.host.get(f"{place}/{name}") == b"words"
    assert await world.host.get(f"{place}/bin/large") == large
    if not isinstance(world.host, FakeHost):
        assert [mode_of(f"{place}/{each.path}") for each in files] == [0o644, 0o600, 0o755]
    await world.host.put([RemoteFile("empty", b"no more")], place)
    assert await world.host.get(f"{place}/empty") == b"no more"


def mode_of(path: str) -> int:
    return Path(path).stat().st_mode & 0o777


@pytest.mark.parametrize("path", ["../up", "/etc/passwd", "a/../../b", ""])
async def test_nothing_is_put_outside(world: World, path: str) -> None:
    with pytest.raises(FreeholdError) as raised:
        await world.host.put([RemoteFile("ok", b""), RemoteFile(path, b"x")], str(world.folder / "place"))
    assert raised.value.code is Code.USAGE
    assert not (world.folder / "up").exists()


async def test_a_file_that_is_not_there(world: World) -> None:
    with pytest.raises(FreeholdError) as raised:
        await world.host.get(str(world.folder / "nothing"))
    assert raised.value.code is Code.NOT_FOUND


async def test_a_script_with_its_document(world: World) -> None:
    source = "def main(document):\n    return {'doubled': [value * 2 for value in document['values']]}\n"
    values = ["a", 'it\'s "$(id)"\n\\ ä€']
    answer = await run_script(world.host, "double", source, {"values": values}, dict[str, list[str]])
    assert answer == {"doubled": [value * 2 for value in values]}


async def test_a_socket_there_is_a_socket_here(world: World) -> None:
    with echo_at(world.folder / "s") if not isinstance(world.host, FakeHost) else contextlib.nullcontext():
        one, other = [await world.host.forward(str(world.folder / "s")) for _ in range(2)]

        def talk(connection: socket.socket, text: bytes) -> bytes:
            with connection:
                connection.settimeout(20)
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)
                said = b""
                while piece := connection.recv(65536):
                    said += piece
                return said

        large = b"x" * 100_000
        said = tuple(
            await asyncio.gather(asyncio.to_thread(talk, one, b"hello"), asyncio.to_thread(talk, other, large))
        )
        assert said == (b"HELLO", large.upper())


async def test_a_socket_where_nobody_listens(world: World) -> None:
    with pytest.raises(FreeholdError) as raised:
        await world.host.forward(str(world.folder / "absent"))
    assert raised.value.code is Code.NOT_FOUND
    assert str(world.folder / "absent") in raised.value.message
