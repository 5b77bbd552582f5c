"""A question beside other work, at a real terminal: what is typed counts, and a cancellation waits for nobody."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import Iterator

import click
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.cli.confirming import confirmed

_PATIENCE_S = 20.0


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where a person types."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r", encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield ours
    os.close(ours)


@pytest.mark.parametrize(
    ("text", "answer"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("perhaps\ny\n", True)]
)
async def test_an_answer_is_yes_only_when_it_says_so(typed: int, text: str, answer: bool) -> None:
    os.write(typed, text.encode())
    async with asyncio.timeout(_PATIENCE_S):
        assert await confirmed("Go on?") is answer


async def test_the_end_of_the_terminal_is_no_answer(typed: int) -> None:
    os.write(typed, b"\x04")
    async with asyncio.timeout(_PATIENCE_S):
        with pytest.raises(click.Abort):
            await confirmed("Go on?")


async def test_who_is_cancelled_does_not_wait_for_an_answer(typed: int, capsys: pytest.CaptureFixture[str]) -> None:
    asking = asyncio.create_task(confirmed("Go on?"))
    while not capsys.readouterr().err:
        await asyncio.sleep(0)
    asking.cancel()
    async with asyncio.timeout(_PATIENCE_S):
        with pytest.raises(asyncio.CancelledError):
            await asking
    os.write(typed, b"y\n")
    async with asyncio.timeout(_PATIENCE_S):
        assert await confirmed("And now?")


async def test_where_nobody_can_answer_the_flag_is_named(typed: int) -> None:
    assert typed
    with pytest.raises(FreeholdError, match="Go on") as caught:
        await confirmed("Go on?", no_input=True)
    assert (caught.value.code, "--yes" in caught.value.hint) == (Code.USAGE, True)
