"""What a run says and does, told by the keeper while it goes on; what a person answers it; and what it left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.client.keeper import MOST_KEEPERS, KeeperConnection, KeeperGoneError, ask, connect
from freehold.wire.keeper import AnswerPermission, AttachRun, FinishChat, InterruptTurn, Said, Say
from freehold.wire.left import LeftContent, ReadLeft, ReadLeftFile, RunLeft
from freehold.wire.runs import RunState, RunView

PAUSE_S = 0.5
"""Before a keeper that went away is looked for again."""
_LAST = "run.finished"


class EventHead(msgspec.Struct, frozen=True):
    """What is needed of an event to pass it on."""

    seq: int
    type: str


class ToldEvent(msgspec.Struct, frozen=True):
    """An event, as it was written."""

    seq: int
    type: str
    line: bytes


class RunEvents(Protocol):
    """Raises NOT_FOUND for a run that the keeper does not know, UNREACHABLE when no keeper can be had."""

    def follow(self, run_id: str, after_seq: int, *, live: bool) -> AsyncGenerator[ToldEvent]:
        """Every event after that one, in order, each once; `live` goes on until the run has ended. A slow reader makes
        the keeper wait, not remember."""
        ...

    async def answer(self, run_id: str, permission_id: str, option_id: str) -> None: ...

    async def tell(self, what: Say) -> Said:
        """What a person says in a chat; the same message however often it is asked. Raises CONFLICT for a run that is
        no chat or has ended, BUSY while too many messages wait, TOO_LARGE, USAGE."""
        ...

    async def direct(self, chat: InterruptTurn | FinishChat) -> None:
        """Raises CONFLICT as `tell`, and where the turn that is to end is not under way."""
        ...

    async def left(self, run_id: str) -> RunLeft:
        """Raises NOT_FOUND where it is not known, as while the run is under way."""
        ...

    async def left_content(self, run_id: str, path: str) -> LeftContent:
        """Raises NOT_FOUND for a file whose content is not kept."""
        ...


class KeeperRunEvents:
    """Each follower has a connection of its own. When a keeper goes away, the next one is asked for what followed."""

    def __init__(self, project: Path, home: Path) -> None:
        self._project = project
        self._home = home

    async def follow(self, run_id: str, after_seq: int, *, live: bool) -> AsyncGenerator[ToldEvent]:
        without_news = 0
        while True:
            before = after_seq
            try:
                connection = await connect(self._project, self._home)
                try:
                    view = await connection.call("run/attach", AttachRun(run_id, after_seq, live), RunView)
                    async for told in _events(connection):
                        after_seq = told.seq
                        yield told
                        if told.type == _LAST:
                            return
                    if not live or view.state is RunState.FINISHED:
                        return
                    raise KeeperGoneError  # it let go of the run, and another one takes it over
                finally:
                    await connection.close()
            except KeeperGoneError:
                without_news = 0 if after_seq > before else without_news + 1
                if without_news >= MOST_KEEPERS:
                    raise
                await asyncio.sleep(PAUSE_S)

    async def answer(self, run_id: str, permission_id: str, option_id: str) -> None:
        answer = AnswerPermission(run_id, permission_id, option_id)
        await ask(self._project, self._home, "run/answer", answer, type(None))

    async def tell(self, what: Say) -> Said:
        return await ask(self._project, self._home, "run/say", what, Said)

    async def direct(self, chat: InterruptTurn | FinishChat) -> None:
        method = "run/interrupt" if isinstance(chat, InterruptTurn) else "run/finish"
        await ask(self._project, self._home, method, chat, type(None))

    async def left(self, run_id: str) -> RunLeft:
        return await ask(self._project, self._home, "run/left", ReadLeft(run_id), RunLeft)

    async def left_content(self, run_id: str, path: str) -> LeftContent:
        return await ask(self._project, self._home, "run/file", ReadLeftFile(run_id, path), LeftContent)


async def _events(connection: KeeperConnection) -> AsyncGenerator[ToldEvent]:
    """Until the keeper says that it was all. Raises `KeeperGoneError` when it cannot say so any more."""
    async for method, params in connection.notices():
        if method == "run/event":
            head = msgspec.json.decode(params, type=EventHead)
            yield ToldEvent(head.seq, head.type, bytes(params))
        elif method == "run/end":
            return
    raise KeeperGoneError


class MemoryRunEvents:
    """The same promises, for tests: events are what was `said`."""

    def __init__(self) -> None:
        self.said: dict[str, list[ToldEvent]] = {}
        self.followed: list[str] = []
        """The runs whose events were asked for, each time."""
        self.answered: list[tuple[str, str, str]] = []
        self.talk: list[Say | InterruptTurn | FinishChat] = []
        self.ahead = 0
        self.unknown: set[str] = set()
        """Runs that a keeper would not know."""
        self.lefts: dict[str, RunLeft] = {}
        self.contents: dict[tuple[str, str], bytes] = {}
        self._grown = asyncio.Event()

    def say(self, run_id: str, kind: str, **fields: object) -> None:
        events = self.said.setdefault(run_id, [])
        seq = len(events) + 1
        line = msgspec.json.encode({"v": 1, "seq": seq, "run_id": run_id, "type": kind, **fields})
        events.append(ToldEvent(seq, kind, line))
        self._grown.set()
        self._grown = asyncio.Event()

    async def follow(self, run_id: str, after_seq: int, *, live: bool) -> AsyncGenerator[ToldEvent]:
        self.followed.append(run_id)
        if run_id in self.unknown:
            raise FreeholdError(Code.NOT_FOUND, f"there is no run {run_id}")
        while True:
            grown = self._grown
            for told in self.said.get(run_id, [])[after_seq:]:
                after_seq = told.seq
                yield told
                if told.type == _LAST:
                    return
            if not live:
                return
            await grown.wait()

    async def answer(self, run_id: str, permission_id: str, option_id: str) -> None:
        self.answered.append((run_id, permission_id, option_id))

    async def tell(self, what: Say) -> Said:
        if what in self.talk:
            return Said(len(self.talk), 0)
        self.talk.append(what)
        return Said(len(self.talk), self.ahead)

    async def direct(self, chat: InterruptTurn | FinishChat) -> None:
        self.talk.append(chat)

    async def left(self, run_id: str) -> RunLeft:
        if run_id not in self.lefts:
            raise FreeholdError(Code.NOT_FOUND, f"what {run_id} left is not known")
        return self.lefts[run_id]

    async def left_content(self, run_id: str, path: str) -> LeftContent:
        if (run_id, path) not in self.contents:
            raise FreeholdError(Code.NOT_FOUND, f"{path} is not among the files that it left")
        return LeftContent(self.contents[run_id, path])
