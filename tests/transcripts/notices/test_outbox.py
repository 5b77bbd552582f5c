"""From what is written to what is sent: again, together, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from freehold.base.clock import ManualClock
from freehold.notices.links import Links
from freehold.notices.message import Message
from freehold.notices.not_taken import NotTakenError
from freehold.notices.outbox import Outbox
from freehold.notices.sender import FakeSender
from freehold.project.notices import Channel, ChannelType, NoticeKind
from freehold.store import notices
from freehold.store.database import Database
from freehold.store.migrate import migrate
from freehold.store.notices import StoredNotice
from tests.support.notices import NOW, asked, channel, stored
from tests.support.scheduling import until


class World:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(NOW)
        self.sender = FakeSender()
        self.channels: dict[str, Channel] = {"team": channel(ChannelType.SLACK), "own": channel(ChannelType.SLACK)}
        self.outbox = self.another()

    def another(self) -> Outbox:
        return Outbox(self.database, self.clock, self.sender, lambda: ("shop", self.channels, Links("", b"k" * 32)))

    @asynccontextmanager
    async def running(self, outbox: Outbox | None = None) -> AsyncIterator[None]:
        task = asyncio.create_task((outbox or self.outbox).run())
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def write(self, those: Iterable[StoredNotice], name: str = "team") -> None:
        for one in those:
            await self.database.write(
                lambda c, one=one: notices.add(c, name, one.notice, one.id, self.clock.now())  # type: ignore[misc]
            )
        self.outbox.wake()

    async def rows(self) -> list[StoredNotice]:
        return sorted(await self.database.read(lambda c: notices.page(c, limit=5000)), key=lambda one: one.id)

    async def until_rows(self, what: str) -> list[StoredNotice]:
        """Wait until all are `sent`, `given_up`, `held` (postponed into the future), or `settled`: sent or held."""
        for _ in range(4000):
            rows = await self.rows()
            if all(_is(row, what, self.clock) for row in rows):
                return rows
            await asyncio.sleep(0.002)
        raise AssertionError([(row.sent_at, row.given_up, row.next_at, row.problem) for row in rows][:5])

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await asyncio.sleep(0.01)

    @property
    def titles(self) -> list[str]:
        return [message.title for _, message in self.sender.sent]


def _is(row: StoredNotice, what: str, clock: ManualClock) -> bool:
    if what == "sent":
        return row.sent_at is not None
    if what == "settled":
        return row.sent_at is not None or row.next_at > clock.now()
    return row.given_up if what == "given_up" else row.next_at > clock.now()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = Database.at(tmp_path / "state.db")
    await migrate(database, tmp_path / "backups", NOW)
    yield World(database)
    await database.close()


async def test_what_is_written_is_sent_once(world: World) -> None:
    await world.write([stored(1)])
    await world.write([stored(1)])  # the same
    async with world.running():
        await world.until_rows("sent")
        await world.write([stored(2, title="ops failed")])
        await world.until_rows("sent")
    async with world.running(world.another()):
        await world.write([stored(3, title="qa failed")])
        await world.until_rows("sent")
    assert world.titles == ["dev failed", "ops failed", "qa failed"]


async def test_what_did_not_get_through_is_sent_later(world: World) -> None:
    world.sender.problem = NotTakenError("it cannot be reached")
    async with world.running():
        await world.write([stored(1)])
        await until(lambda: world.sender.tries == 1)
        [row] = await world.until_rows("held")
        assert (row.attempts, row.problem) == (1, "it cannot be reached")
        assert world.outbox.problems() == ["notices to team: it cannot be reached"]
        # What comes meanwhile waits with it.
        await world.write([stored(2, title="ops failed")])
        await world.until_rows("held")
        assert world.sender.tries == 1
        world.sender.problem = None
        await world.advance(29)
        assert world.sender.tries == 1
        await world.advance(1)
        await world.until_rows("sent")
        assert world.outbox.problems() == []
    assert sorted(world.titles) == ["dev failed", "ops failed"]


async def test_it_is_given_up_visibly_after_a_day(world: World) -> None:
    world.sender.problem = NotTakenError("it cannot be reached")
    async with world.running():
        await world.write([stored(1)])
        for _ in range(24):
            await world.until_rows("held")
            await world.advance(3600)
        [row] = await world.until_rows("given_up")
        assert row.problem == "it cannot be reached"
        assert row.sent_at is None
        assert 20 < row.attempts < 30
        assert world.outbox.problems() == ["notices to team: it cannot be reached"]


async def test_one_that_is_refused_holds_nobody_up(world: World) -> None:
    class Picky(FakeSender):
        async def send(self, channel: Channel, message: Message) -> None:
            self.tries += 1
            if message.text == "poison":
                raise NotTakenError("it answered 400", refused=True)
            self.sent.append((channel.name, message))

    world.sender = Picky()
    outbox = world.another()
    async with world.running(outbox):
        await world.write([stored(1, text="poison"), stored(2, title="ops failed")])
        outbox.wake()
        await until(lambda: world.titles == ["ops failed"])
        for seconds in (30, 60, 120, 240):
            tries = world.sender.tries
            await world.advance(seconds)
            await until(lambda tries=tries: world.sender.tries == tries + 1)  # type: ignore[misc]
            await asyncio.sleep(0.02)
    first, second = await world.rows()
    assert (first.given_up, first.problem) == (True, "it answered 400")
    assert second.sent_at


async def test_a_hundred_failures_in_a_minute_are_few_messages(world: World) -> None:
    async with world.running():
        for number in range(100):
            await world.write([stored(number + 1)])
            await asyncio.sleep(0.001)
        rows = await world.until_rows("settled")
        while any(row.sent_at is None for row in rows):
            await world.advance(61)
            rows = await world.until_rows("settled")
    assert len(rows) == 100
    assert len(world.titles) <= 10
    told = sum(1 if title == "dev failed" else int(title.split()[0]) for title in world.titles)
    assert told == 100


async def test_three_thousand_at_once_are_all_told(world: World) -> None:
    await world.database.write(
        lambda c: [notices.add(c, "team", stored(1).notice, str(number), NOW) for number in range(3000)]
    )
    async with world.running():
        await world.until_rows("sent")
    assert world.titles == ["1000 notices"] * 3


async def test_a_question_is_not_sent_too_late(world: World) -> None:
    world.sender.problem = NotTakenError("it cannot be reached")
    question = stored(1, NoticeKind.PERMISSION, permission=asked(until=NOW + timedelta(seconds=60)))
    async with world.running():
        await world.write([question])
        await until(lambda: world.sender.tries == 1)
        await world.until_rows("held")
        world.sender.problem = None
        await world.advance(61)
        [row] = await world.until_rows("given_up")
    assert row.problem == "it was not sent in time: nobody could answer any more"
    assert world.titles == []


async def test_of_a_channel_that_is_gone_it_is_said(world: World) -> None:
    await world.write([stored(1)], "gone")
    async with world.running():
        [row] = await world.until_rows("given_up")
    assert row.problem == "there is no channel gone any more"


async def test_a_channel_that_hangs_keeps_no_other_waiting(world: World) -> None:
    class Hanging(FakeSender):
        async def send(self, channel: Channel, message: Message) -> None:
            if message.title == "hangs":
                await asyncio.Event().wait()
            await super().send(channel, message)

    world.sender = Hanging()
    world.outbox = world.another()
    async with world.running():
        await world.write([stored(1, title="hangs")], "own")
        await world.write([stored(2)], "team")
        await until(lambda: world.titles == ["dev failed"])
        await world.write([stored(3, title="ops failed")], "team")
        await until(lambda: world.titles == ["dev failed", "ops failed"])


async def test_what_was_sent_long_ago_is_forgotten(world: World) -> None:
    await world.write([stored(1)])
    async with world.running():
        await world.until_rows("sent")
    world.clock.advance(15 * 86400)
    async with world.running(world.another()):
        for _ in range(1000):
            if not await world.rows():
                break
            await asyncio.sleep(0.002)
    assert await world.rows() == []


class LateDatabase(Database):
    """Tells what it read once it may."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.may = asyncio.Event()
        self.may.set()
        self.has_read = 0

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        found = await super().read(work)
        self.has_read += 1
        await self.may.wait()
        return found


async def test_what_was_just_sent_is_not_read_as_due_once_more(world: World) -> None:
    class Slow(FakeSender):
        may = asyncio.Event()

        async def send(self, channel: Channel, message: Message) -> None:
            self.tries += 1
            await self.may.wait()
            self.sent.append((channel.name, message))

    slow = world.sender = Slow()
    database = LateDatabase(world.database.url.render_as_string())
    outbox = Outbox(database, world.clock, slow, lambda: ("shop", world.channels, Links("", b"k" * 32)))
    await world.write([stored(1)])
    async with world.running(outbox):
        await until(lambda: slow.tries == 1)
        database.may.clear()
        before = database.has_read
        outbox.wake()
        await until(lambda: database.has_read > before)  # it was read as due, while it is being sent
        slow.may.set()
        await world.until_rows("sent")
        await asyncio.sleep(0.02)
        database.may.set()
        await asyncio.sleep(0.05)
        assert slow.tries == 1
    await database.close()
