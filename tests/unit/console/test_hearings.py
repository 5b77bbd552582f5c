"""What was heard of a run is not read again, and only so much of it is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.requests import Request

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.console import hearings
from freehold.console.hearings import FORGOTTEN_AFTER, MOST_RUNS, Hearings
from freehold.console.project_api import Visitor
from freehold.console.transcript import LONGEST_TEXT, MOST_CHARACTERS, MOST_ITEMS, Hearing, transcript
from freehold.wire import events


class Told:
    """A `ProjectApi` that has nothing but the events of runs; `asked` says after which ones it was asked for."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.lines: dict[str, list[bytes]] = {}
        self.asked: list[int] = []
        self.read = 0
        self.away = False

    def say(self, run_id: str, text: str) -> None:
        lines = self.lines.setdefault(run_id, [])
        lines.append(events.encode(events.Log(seq=len(lines) + 1, level="info", text=text)))

    def now(self) -> datetime:
        return self.clock.now()

    async def run_events(self, run_id: str, after_seq: int) -> AsyncGenerator[bytes]:
        self.asked.append(after_seq)
        if self.away:
            raise FreeholdError(Code.UNREACHABLE, "the keeper is away")
        for line in self.lines.get(run_id, [])[after_seq:]:
            await asyncio.sleep(0)
            self.read += 1
            yield line

    def project_name(self) -> str:
        raise NotImplementedError

    async def visitor(self, request: Request) -> Visitor:
        raise NotImplementedError

    async def form(self, request: Request) -> dict[str, str]:
        raise NotImplementedError

    async def ask(
        self,
        request: Request,
        method: str,
        path: str,
        names: Mapping[str, str],
        query: Mapping[str, str],
        body: Mapping[str, Any],
    ) -> Any:
        raise NotImplementedError


async def texts(kept: Hearings, api: Told, run_id: str = "r") -> list[str]:
    read, whole = await kept.read(api, run_id)
    assert whole
    return [item.text for item in read.items]


async def test_only_what_is_new_is_read() -> None:
    kept, api = Hearings(), Told()
    for text in ("one", "two"):
        api.say("r", text)
    assert await texts(kept, api) == ["one", "two"]
    assert await texts(kept, api) == ["one", "two"]
    api.say("r", "three")
    assert await texts(kept, api) == ["one", "two", "three"]
    assert (api.asked, api.read) == ([0, 2, 2], 3)


async def test_two_that_look_at_once_hear_each_event_once() -> None:
    kept, api = Hearings(), Told()
    for number in range(20):
        api.say("r", str(number))
    one, other = await asyncio.gather(texts(kept, api), texts(kept, api))
    assert one == other == [str(number) for number in range(20)]


async def test_what_was_heard_is_shown_while_the_keeper_is_away() -> None:
    kept, api = Hearings(), Told()
    api.say("r", "one")
    await texts(kept, api)
    api.away = True
    with pytest.raises(FreeholdError):
        await kept.read(api, "r")
    assert [item.text for item in kept.so_far("r").items] == ["one"]
    assert kept.so_far("other").items == []


async def test_runs_that_nobody_looks_at_are_forgotten() -> None:
    kept, api = Hearings(), Told()
    for number in range(MOST_RUNS + 1):
        api.say(str(number), "x")
        await texts(kept, api, str(number))
    assert kept.so_far("0").items == []
    assert len(kept.so_far("1").items) == 1
    api.clock.advance((FORGOTTEN_AFTER + timedelta(seconds=1)).total_seconds())
    await texts(kept, api, "new")
    assert kept.so_far("1").items == []


async def test_a_page_reads_so_much_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearings, "MOST_EVENTS", 3)
    kept, api = Hearings(), Told()
    for number in range(5):
        api.say("r", str(number))
    first, whole = await kept.read(api, "r")
    assert ([item.text for item in first.items], whole) == (["0", "1", "2"], False)
    assert await texts(kept, api) == ["0", "1", "2", "3", "4"]


def test_much_text_is_held_to_what_a_page_shows() -> None:
    hearing = Hearing()
    for number in range(1, 2 * MOST_ITEMS):
        hearing.hear(events.encode(events.Log(seq=number, level="info", text="y" * LONGEST_TEXT)))
    read = hearing.transcript()
    assert sum(item.characters for item in read.items) <= MOST_CHARACTERS
    assert read.left_out == 2 * MOST_ITEMS - 1 - len(read.items)
    assert read.items[-1].seq == 2 * MOST_ITEMS - 1


def test_a_tool_whose_beginning_is_forgotten_is_shown_where_it_ends() -> None:
    begun = events.ToolStarted(seq=1, tool_call_id="t", title="Run x", input=None)
    logs = [events.Log(seq=number, level="info", text="x") for number in range(2, MOST_ITEMS + 10)]
    ended = events.ToolFinished(seq=MOST_ITEMS + 10, tool_call_id="t", status="completed", output="done")
    read = transcript([events.encode(event) for event in (begun, *logs, ended)])
    assert (read.items[-1].title, read.items[-1].detail) == ("t", "done")
