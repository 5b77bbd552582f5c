"""Who changed what: page by page, and by who, what and when."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection

from freehold.store import audit
from freehold.store.audit import Chosen
from freehold.store.database import Database
from tests.real.store.conftest import NOW

MADE = [
    (actor, action, NOW + timedelta(minutes=number // 2))  # two at a time, of the same moment
    for number, (actor, action) in enumerate(
        (actor, action) for action in ("agent.scale", "agent.trigger", "pause") for actor in ("ci", "laptop")
    )
]


@pytest.fixture
async def filled(database: Database) -> Database:
    for actor, action, at in MADE:
        await database.write(partial(_note, actor, action, at))
    return database


def _note(actor: str, action: str, at: datetime, connection: Connection) -> None:
    audit.note(connection, actor, action, at, "dev", {"scale": 2}, "192.0.2.1")


async def test_an_entry_says_who_did_what_and_from_where(filled: Database) -> None:
    first, *_ = await filled.read(audit.page)
    assert (first.at, first.target, first.detail, first.address) == (MADE[-1][2], "dev", {"scale": 2}, "192.0.2.1")


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        (Chosen(), range(6)),
        (Chosen(actor="ci"), (0, 2, 4)),
        (Chosen(action="pause"), (4, 5)),
        (Chosen(actor="laptop", action="pause"), (5,)),
        (Chosen(since=NOW + timedelta(minutes=1)), (2, 3, 4, 5)),
        (Chosen(until=NOW + timedelta(minutes=1)), (0, 1)),
        (Chosen("ci", "", NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)), (2,)),
        (Chosen(actor="nobody"), ()),
        (Chosen(action="agent"), ()),
    ],
)
async def test_every_choice_page_by_page(filled: Database, chosen: Chosen, wanted: list[int]) -> None:
    expected = sorted((MADE[number][2], *MADE[number][:2]) for number in wanted)
    seen, before = [], ""
    while page := await filled.read(partial(audit.page, before=before, limit=2, chosen=chosen)):
        seen += [(entry.at, entry.actor, entry.action) for entry in page]
        before = page[-1].id
    assert sorted(seen) == expected
    assert [at for at, *_ in seen] == sorted((at for at, *_ in expected), reverse=True)


async def test_a_page_after_what_is_forgotten_is_empty(filled: Database) -> None:
    assert await filled.read(partial(audit.page, before="0" * 26)) == []


async def test_what_there_is_to_choose_from(filled: Database) -> None:
    assert await filled.read(audit.actions) == ["agent.scale", "agent.trigger", "pause"]
    assert await filled.read(audit.actors) == ["ci", "laptop"]
