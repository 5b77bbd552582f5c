"""Somebody broke into a project's gateway: that holds up no push, which is what puts it right."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.remote_program import remote_program

HEALTH, CREDENTIALS, PROGRAM = remote_program("health"), remote_program("credentials"), remote_program("program")
SOMEBODY = 65534
_WITHIN_S = 30.0


@contextlib.contextmanager
def gateway(path: Path, answer: Callable[[socket.socket], None]) -> Iterator[str]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield str(path)
    finally:
        listener.close()


def look(path: str) -> dict[str, Any]:
    asked = {"socket": path, "keeper_socket": "", "release": "r", "current": "", "edge": []}
    found: dict[str, Any] = HEALTH["look"](asked)
    return found


def says(content: bytes, connection: socket.socket) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n"
    connection.sendall(head.encode() + content)


def drips(goes_on: threading.Event, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not goes_on.wait(0.02):
        connection.sendall(b"x")


@pytest.mark.parametrize("content", [b"[" * 200_000, b"[]", b'{"status": 1, "problems": 2}', b"9" * 6000])
def test_an_answer_that_is_none(tmp_path: Path, content: bytes) -> None:
    with gateway(tmp_path / "s", partial(says, content)) as path:
        found = look(path)
    assert (found["healthy"], "the gateway" in found["why"]) == (False, True)


def test_an_answer_that_is_one(tmp_path: Path) -> None:
    with gateway(tmp_path / "s", partial(says, b'{"status": "ok", "release": "q"}')) as path:
        assert look(path)["why"] == "the gateway runs release q, and not r"


def test_who_refuses_and_goes_on_with_the_one_before_is_not_waited_for(tmp_path: Path) -> None:
    HEALTH["_REFUSING_S"] = -1.0  # of this loaded program
    asked = {"socket": "", "keeper_socket": "", "release": "r", "current": "", "edge": [], "units": []}
    for said, final in (
        (b'{"status": "ok", "release": "q", "refused": ["no room"]}', True),
        (b'{"status": "x"}', False),
    ):
        with gateway(tmp_path / f"s{final}", partial(says, said)) as path:
            told = {**asked, "socket": path, "for_s": 0.0, "restarts": {}, "journal": False, "since": 0.0}
            found = HEALTH["main"](told)
        assert (found["healthy"], found["final"]) == (False, final), found["why"]


def test_a_word_now_and_then(tmp_path: Path) -> None:
    HEALTH["_PATIENCE_S"], over = 0.3, threading.Event()
    found: list[dict[str, Any]] = []
    with gateway(tmp_path / "s", partial(drips, over)) as path:
        looking = threading.Thread(target=lambda: found.append(look(path)), daemon=True)
        looking.start()
        looking.join(_WITHIN_S)
        over.set()
    assert [one["healthy"] for one in found] == [False]


def test_more_files_than_anybody_reads(tmp_path: Path) -> None:
    folder = tmp_path / "credentials/a/b"
    folder.mkdir(parents=True)
    for number in range(CREDENTIALS["MOST"] + 10):
        (folder / f"f{number}").touch()
    assert len(CREDENTIALS["seen"](str(tmp_path), "00")) == CREDENTIALS["MOST"]


@pytest.mark.root
def test_what_is_done_as_its_user_cannot_be_ended_by_it(tmp_path: Path) -> None:
    (its_number, told), (over, tells) = os.pipe(), os.pipe()

    def waits() -> str:
        os.write(told, str(os.getpid()).encode())
        return os.read(over, 10).decode()

    def kills() -> None:
        number = os.read(its_number, 20).decode()
        words = ["setpriv", f"--reuid={SOMEBODY}", "--clear-groups", "kill", "-KILL", number]
        os.write(tells, b"refused" if subprocess.run(words, check=False, capture_output=True).returncode else b"killed")

    killer = threading.Thread(target=kills)
    killer.start()
    place = {"user": pwd.getpwuid(SOMEBODY).pw_name, "home": str(tmp_path)}
    assert CREDENTIALS["as_user"](place, waits) == "refused"
    killer.join()


def test_a_process_that_is_called_as_the_folder_of_programs(tmp_path: Path) -> None:
    words = ["bash", "-c", f"exec -a {tmp_path}/ sleep 60"]
    with subprocess.Popen(words) as process:
        try:
            while not Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(str(tmp_path).encode()):
                time.sleep(0.01)
            assert PROGRAM["running"](tmp_path) == set()
        finally:
            process.kill()
