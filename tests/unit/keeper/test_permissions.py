"""Permission requests: what a policy picks, who is asked, and what is written down."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.keeper.event_log import EventLog, read_events
from freehold.keeper.permissions import Permissions, choose
from freehold.wire.events import PermissionAnswered, PermissionAsked
from freehold.wire.permission import OpenPermission, PermissionOption
from freehold.wire.session import AskPermission

ALWAYS = PermissionOption("always", "Allow always", "allow_always")
ONCE = PermissionOption("once", "Allow once", "allow_once")
NO = PermissionOption("no", "Reject", "reject_once")
NEVER = PermissionOption("never", "Reject always", "reject_always")
ASKED = AskPermission(permission_id="p1", title="rm -rf /", options=[ALWAYS, ONCE, NO])


@pytest.mark.parametrize(
    ("policy", "options", "chosen"),
    [
        ("allow", [ALWAYS, ONCE, NO], "once"),
        ("allow", [NO, ALWAYS], "always"),
        ("allow", [NO], ""),
        ("deny", [ALWAYS, NEVER, NO], "no"),
        ("deny", [ALWAYS, NEVER], "never"),
        ("deny", [ONCE], ""),
        ("ask", [ONCE, NO], None),
    ],
)
def test_a_policy_picks_once_rather_than_always(
    policy: str, options: list[PermissionOption], chosen: str | None
) -> None:
    assert choose(policy, options) == chosen


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "events.jsonl", "dev-x", FakeClock())


def written(log: EventLog) -> list[tuple[str, str]]:
    found = []
    for event in read_events(log.path):
        if isinstance(event, PermissionAsked):
            found.append(("asked", event.title))
        if isinstance(event, PermissionAnswered):
            found.append((event.by, event.option_id))
    return found


async def test_a_policy_answers_and_both_are_written(log: EventLog) -> None:
    answer = await Permissions("allow", log).decide(ASKED)
    assert answer.option_id == "once"
    assert written(log) == [("asked", "rm -rf /"), ("policy", "once")]


async def test_a_person_answers(log: EventLog) -> None:
    permissions = Permissions("ask", log)
    deciding = asyncio.create_task(permissions.decide(ASKED))
    await asyncio.sleep(0)
    with pytest.raises(FreeholdError, match="no option 'maybe'"):
        permissions.answer("p1", "maybe")
    permissions.answer("p1", "always")
    assert (await deciding).option_id == "always"
    assert written(log)[-1] == ("person", "always")
    with pytest.raises(FreeholdError) as raised:
        permissions.answer("p1", "always")
    assert raised.value.code is Code.NOT_FOUND


async def test_without_an_answer_it_is_no(log: EventLog) -> None:
    answer = await Permissions("ask", log, deadline_s=0.01).decide(ASKED)
    assert answer.option_id == "no"
    assert written(log)[-1] == ("deadline", "no")


async def test_where_nobody_can_be_asked_it_is_no_at_once(log: EventLog) -> None:
    answer = await Permissions("ask", log, attended=False).decide(ASKED)
    assert answer.option_id == "no"
    assert written(log)[-1] == ("policy", "no")


async def test_without_an_answer_it_may_also_be_yes(log: EventLog) -> None:
    answer = await Permissions("ask", log, deadline_s=0.01, default="allow").decide(ASKED)
    assert answer.option_id == "once"
    assert written(log)[-1] == ("deadline", "once")


async def test_where_nobody_attends_the_default_is_the_answer_at_once(log: EventLog) -> None:
    for default, chosen in (("deny", "no"), ("allow", "once")):
        permissions = Permissions("ask", log, attended=False, default=default, deadline_s=1e9)
        assert (await permissions.decide(ASKED)).option_id == chosen
        assert written(log)[-1] == ("policy", chosen)


async def test_what_waits_for_an_answer_is_told_as_it_changes(log: EventLog) -> None:
    told: list[list[OpenPermission]] = []
    clock = FakeClock()
    permissions = Permissions(
        "ask", log, deadline_s=60, clock=clock, on_open=lambda waiting: told.append(list(waiting))
    )
    deciding = asyncio.create_task(permissions.decide(ASKED))
    await asyncio.sleep(0)
    permissions.answer("p1", "once")
    await deciding
    asked = OpenPermission("p1", "rm -rf /", (ALWAYS, ONCE, NO), until="2026-01-01T00:01:00.000Z", default="no")
    assert told == [[asked], []]


async def test_the_first_answer_counts(log: EventLog) -> None:
    permissions = Permissions("ask", log)
    deciding = asyncio.create_task(permissions.decide(ASKED))
    await asyncio.sleep(0)
    permissions.answer("p1", "no")
    with pytest.raises(FreeholdError) as raised:
        permissions.answer("p1", "always")
    assert raised.value.code is Code.NOT_FOUND
    assert (await deciding).option_id == "no"
