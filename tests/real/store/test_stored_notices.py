"""The outbox, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from freehold.store import notices
from freehold.store.database import Database
from freehold.store.notices import StoredNotice
from freehold.wire.notices import Notice
from tests.real.store.conftest import NOW


def notice(title: str = "dev failed") -> Notice:
    return Notice(kind="failed", title=title, at="2026-11-21T09:00:00.000Z", text="a\u0000b", facts={"cost": "$1"})


async def test_it_is_written_once_for_each_channel(database: Database) -> None:
    async def add(channel: str, once: str) -> bool:
        return await database.write(lambda c: notices.add(c, channel, notice(), once, NOW))

    assert [await add("a", "x"), await add("a", "x"), await add("b", "x"), await add("a", "y")] == [
        True,
        False,
        True,
        True,
    ]
    due = await database.read(lambda c: notices.due(c, NOW, 1))
    assert {channel: len(those) for channel, those in due.items()} == {"a": 1, "b": 1}
    assert due["a"][0].notice == notice()


async def test_what_is_sent_held_postponed_or_given_up_is_not_due(database: Database) -> None:
    later = NOW + timedelta(seconds=30)

    def work(connection: Connection) -> list[str]:
        for once in "abcde":
            notices.add(connection, "team", notice(once), once, NOW)
        ids = {one.notice.title: one.id for one in notices.page(connection)}
        notices.sent(connection, [ids["a"]], NOW)
        notices.postpone(connection, [ids["b"]], later, "no answer")
        notices.hold(connection, [ids["c"]], later + timedelta(seconds=1))
        notices.give_up(connection, [ids["d"]], "gone")
        return [ids[name] for name in "abcde"]

    a, b, _, d, e = await database.write(work)

    async def due(seconds: int) -> list[str]:
        moment = NOW + timedelta(seconds=seconds)
        found = await database.read(lambda c: notices.due(c, moment, 10))
        return [one.notice.title for one in found.get("team", [])]

    async def find(notice_id: str) -> StoredNotice:
        found = await database.read(lambda c: notices.find(c, notice_id))
        assert found
        return found

    assert await due(0) == ["e"]
    assert sorted(await due(30)) == ["b", "e"]
    assert sorted(await due(31)) == ["b", "c", "e"]
    assert await database.read(lambda c: notices.next_look(c, NOW)) == later
    assert ((await find(a)).sent_at, (await find(a)).attempts) == (NOW, 1)
    assert ((await find(b)).problem, (await find(b)).attempts, (await find(b)).next_at) == ("no answer", 1, later)
    assert ((await find(d)).given_up, (await find(d)).problem) == (True, "gone")
    assert await database.write(lambda c: notices.forget_before(c, NOW + timedelta(seconds=1))) == 2
    assert await database.read(lambda c: notices.find(c, a)) is None
    assert await find(e)
    await database.write(lambda c: notices.give_up(c, [], "nothing"))
