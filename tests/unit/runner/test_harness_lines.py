"""Which lines of a harness are taken for messages, and what becomes of characters that are none."""

import json

import pytest

from freehold.runner.harness_process import understands
from freehold.wire import acp_rpc


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (rb"plain", "plain"),
        (rb"\ud83d\ude00 whole", "\N{GRINNING FACE} whole"),
        (rb"cut \ud83d", "cut \N{REPLACEMENT CHARACTER}"),
        (rb"\ude00 rest", "\N{REPLACEMENT CHARACTER} rest"),
        (rb"\uD83D\uD83D\uDE00", "\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}"),
        (b"caf\xe9", "caf\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_what_is_read(text: bytes, read: str) -> None:
    seen: list[str] = []

    def receive(line: bytes) -> None:
        params = acp_rpc.decode(line).params
        seen.append(json.loads(bytes(params)))

    assert understands(b'{"method":"m","params":"' + text + b'"}', receive)
    assert seen == [read]


@pytest.mark.parametrize("line", [b"hello", b"{", b'"\\ud83d"', b"\xff\xfe", b"[" * 10_000])
def test_what_is_no_message_however_it_is_mended(line: bytes) -> None:
    def receive(line: bytes) -> None:
        acp_rpc.decode(line)

    assert not understands(line, receive)
