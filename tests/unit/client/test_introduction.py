"""Who is at the other end of a server's socket: asked over the connection that is then used."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.client.introduction import require_project


def introduced(answer: bytes, project: str = "shop") -> bytes:
    """What the other end was asked, when it answers so."""
    ours, theirs = socket.socketpair()
    heard = []

    def serve() -> None:
        with theirs:
            heard.append(theirs.recv(4096))
            theirs.sendall(answer)

    with ours:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            require_project(ours, project)
        finally:
            thread.join()
    return heard[0]


def test_the_project_is_named_and_who_is_meant_answers() -> None:
    asked = introduced(b"HTTP/1.1 200 OK\r\nFreehold-Version: 0.1.0\r\n\r\n")
    assert asked.startswith(b"HEAD /api/v1/openapi.json HTTP/1.1\r\n")
    assert b"\r\nFreehold-Project: shop\r\n" in asked


def test_who_says_a_letter_now_and_then_is_waited_for_no_longer_than_who_says_nothing() -> None:
    ours, theirs = socket.socketpair()
    over = threading.Event()

    def serve() -> None:
        with theirs, contextlib.suppress(OSError):
            while not over.wait(0.02):
                theirs.sendall(b"x")

    with ours:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with pytest.raises(FreeholdError, match="does not answer on the server") as caught:
                require_project(ours, "shop", deadline_s=0.3)
        finally:
            over.set()
            thread.join()
    assert caught.value.code is Code.UNREACHABLE


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (
            b"HTTP/1.1 421 Misdirected Request\r\nFreehold-Version: 0.1.0\r\n\r\n",
            Code.DENIED,
            "leads to another project",
        ),
        (b"HTTP/1.1 404 Not Found\r\nServer: Docker/28.2 (linux)\r\n\r\n", Code.UNREACHABLE, "what answers is none"),
        (b"HTTP/1.1 200 OK\r\nFreehold-Version: 0.1.0\r\n", Code.UNREACHABLE, "in the middle"),
        (b"hello", Code.UNREACHABLE, "in the middle"),
        (b"", Code.UNREACHABLE, "in the middle"),
        (b"x" * 100_000, Code.UNREACHABLE, "in the middle"),
    ],
)
def test_anybody_else_is_told(answer: bytes, code: Code, words: str) -> None:
    with pytest.raises(FreeholdError, match=words) as caught:
        introduced(answer)
    assert caught.value.code is code
