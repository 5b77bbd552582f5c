"""What several parts ask a server is asked once; what one of them asks alone, by itself."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from freehold.deploy.remote import program_text
from tests.support.remote_program import remote_program

DUMP, OWN = ["sshd", "-T"], ["nft", "list"]
PARTS: list[dict[str, Any]] = [
    {"asked": {"commands": {"dump": DUMP}}},
    {"asked": {"commands": {"sshd": DUMP, "table": OWN}}},
    {"asked": {"folder": "/x"}},
    {"asked": None},
]


class Ran:
    def __init__(self) -> None:
        self.times = Counter[tuple[str, ...]]()

    def __call__(self, argv: list[str]) -> tuple[int, str]:
        self.times[tuple(argv)] += 1
        return 0, " ".join(argv)


def once() -> Any:
    return remote_program("facts")["Once"](PARTS)


def test_what_two_ask_is_shared() -> None:
    told = once()
    assert (told.is_shared(DUMP), told.is_shared(OWN), told.is_shared(["true"])) == (True, False, False)


def test_it_is_run_once_however_many_ask_at_a_time() -> None:
    told, ran = once(), Ran()
    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda _: told.ask(DUMP, ran), range(8)))
    assert (answers, ran.times) == ({(0, "sshd -T")}, {tuple(DUMP): 1})


def test_who_asks_after_a_fault_asks_anew() -> None:
    told, ran = once(), Ran()

    def fails(_argv: list[str]) -> None:
        raise OSError("no more processes")

    with pytest.raises(OSError, match="no more"):
        told.ask(DUMP, fails)
    assert told.ask(DUMP, ran) == (0, "sshd -T")


def test_a_part_is_told_both_kinds() -> None:
    room: dict[str, Any] = remote_program("put_back")
    exec(program_text("managed_files"), room)
    room["once"] = remote_program("facts")["Once"]([{"asked": {"commands": {"a": ["echo", "a"]}}}] * 2)
    commands = {"a": ["echo", "a"], "b": ["echo", "b"], "gone": ["no-such-program"]}
    for _ in range(2):
        said = {name: (told["status"], told["text"].strip()) for name, told in room["answers"](commands).items()}
        assert said == {"a": (0, "a"), "b": (0, "b"), "gone": (127, "no-such-program: not found")}
