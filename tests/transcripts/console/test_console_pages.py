"""Pages from wire structs that strangers filled, and what the console's routes let whom do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from freehold.base.clock import ManualClock
from freehold.base.secret import Secret
from freehold.console.agent_pages import PAGE, AgentPage
from freehold.console.difference import differences
from freehold.console.pages import audit, keys, queue, usage
from freehold.console.project_api import Visitor
from freehold.console.rendering import render
from freehold.console.transcript import transcript
from freehold.gateway.throttle import EACH_BURST
from freehold.store import api_keys
from freehold.store.api_keys import Scope
from freehold.wire import events
from freehold.wire.calls import CallMade
from freehold.wire.configuration import Configuration, LoadedAgent, LoadedChannel, LoadedCredential, LoadedModel
from freehold.wire.left import LeftFile, RepositoryLeft, RunLeft
from freehold.wire.permission import OpenPermission, PermissionOption
from freehold.wire.runs import Result, RunError, RunState, RunView, Trigger, TriggerType
from freehold.wire.service import (
    AgentView,
    AuditNames,
    AuditView,
    KeyMade,
    KeyView,
    LockView,
    ProjectStatus,
    ReceiptDetail,
    ReceiptView,
    RefusedDeliveries,
    TriggerDetail,
    TriggerView,
    UsageReport,
    UsageSum,
)
from tests.support.gateway_world import GatewayWorld, gateway_world, hooked_world
from tests.support.hostile import EVENT_TYPES, NASTY_LINES, event_of
from tests.support.scheduling import SchedulerWorld, manual, until

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
EVIL = f"\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{{{ 7*7 }}}}</title></textarea>{NASTY_LINES}"
WHO = Visitor(EVIL, frozenset({"read", "trigger", "admin"}), "token")
RUN = RunView(
    run_id=EVIL, agent=EVIL, attempt=1, trigger=Trigger(TriggerType.WEBHOOK, EVIL, EVIL), state=RunState.FINISHED,
    queued_at=EVIL, started_at=EVIL, finished_at=EVIL, engine=EVIL, image=EVIL, result=Result.ERROR,
    return_value=EVIL, status_text=EVIL, cost_usd=None, error=RunError(EVIL, EVIL, EVIL),
    waiting_for=(OpenPermission(EVIL, EVIL, (PermissionOption(EVIL, EVIL, EVIL),), EVIL),),
)  # fmt: skip
AGENT = AgentView(
    name=EVIL, description=EVIL, state=EVIL, enabled=True, scale=1, scale_configured=1, running=1, waiting=1,
    triggers=[EVIL], models=[EVIL], next_run_at=EVIL, status_text=EVIL, error=EVIL, hint=EVIL, held=EVIL,
    skipped_at=EVIL, due_at=[EVIL, EVIL], last_run=RUN,
)  # fmt: skip
STATUS = ProjectStatus(
    name=EVIL, version=EVIL, started_at=EVIL, paused=False, held=EVIL, problems=[EVIL], running=1, waiting=1,
    dead_letters=1, day_usd=1, month_usd=1, usd_per_day=1, usd_per_month=None, agents=[AGENT],
)  # fmt: skip
TRIGGER = TriggerView(
    id=EVIL, agent=EVIL, type=EVIL, source=EVIL, state=EVIL, priority=1, created_at=EVIL, not_before=EVIL, attempts=1,
    run_id=EVIL, result=EVIL, reason=EVIL, ended_at=EVIL,
)  # fmt: skip
TOLD = TriggerDetail(trigger=TRIGGER, attempts=[RUN], prompt=EVIL, context={EVIL: [EVIL]})
RECEIPT = ReceiptView(
    id=EVIL, source=EVIL, type=EVIL, received_at=EVIL, status=EVIL, event=EVIL, summary=EVIL, reason=EVIL,
    delivery_id=EVIL, replay_of=EVIL,
)  # fmt: skip
CALL = CallMade(
    call_id=EVIL, agent=EVIL, status=EVIL, created_at=EVIL, run_id=EVIL, return_value=EVIL, error=EVIL
)  # fmt: skip
REPOSITORY = RepositoryLeft(path=EVIL, base=EVIL, commits=[EVIL], patch=EVIL, problem=EVIL, cut=True)
LEFT = RunLeft(
    files=[LeftFile(path=EVIL, state=EVIL, size_bytes=1, kept=kept, text=kept) for kept in (True, False)],
    more=1, repositories=[REPOSITORY], problem=EVIL,
)  # fmt: skip
SAID = transcript(events.encode(event_of(kind, EVIL)) for kind in EVENT_TYPES)
SUM = UsageSum(name=EVIL, runs=3, failed=1, cost_usd=1.5, unpriced=1)
REPORT = UsageReport(
    since=EVIL, until=EVIL, total=SUM, days=[SUM], agents=[SUM], agent_count=2, models=[SUM], day_usd=1.0,
    month_usd=9.0, usd_per_day=None, usd_per_month=10.0,
)  # fmt: skip
CHANNELS = [LoadedChannel(EVIL, EVIL, EVIL, EVIL, unsigned=True)]
LOADED = Configuration(
    project=EVIL, version=EVIL, environment=EVIL, revision=EVIL, since=EVIL, warnings=[EVIL], error=EVIL, hint=EVIL,
    agents=[LoadedAgent(name=EVIL, revision=EVIL, goes_on=goes_on, models=[EVIL], credentials=[EVIL], triggers=[EVIL],
                        harness=EVIL, engine=EVIL, network=EVIL, warnings=[EVIL], error=EVIL, hint=EVIL)
            for goes_on in (True, False)],
    models=[LoadedModel(name=EVIL, provider=EVIL, model=EVIL, host=EVIL, credential=EVIL)],
    webhooks=CHANNELS, notices=CHANNELS, mcp=CHANNELS,
    credentials=[LoadedCredential(name=EVIL, used_by=[EVIL], fields=fields) for fields in ([EVIL], [])],
)  # fmt: skip
KEY = KeyView(id=EVIL, name=EVIL, scopes=[EVIL], created_at=EVIL, last_used_at=EVIL, revoked_at=EVIL, expires_at=EVIL)
ENTRIES = [
    AuditView(id=EVIL, at=EVIL, actor=EVIL, action=action, target=EVIL, detail={EVIL: [EVIL]}, address=EVIL)
    for action in ("agent.scale", "run.kill", EVIL)
]
CHOSEN = dict.fromkeys(("agent", "result", "trigger", "source", "status", "text"), EVIL)
PAGES: dict[str, dict[str, Any]] = {
    "agents.html": {"status": STATUS, "shown": AgentPage([AGENT], 201, 2, 3, EVIL), "problems": [EVIL]},
    "agent.html": {"agent": AGENT, "runs": [RUN]},
    "runs.html": {"runs": [RUN], "older": "before=x", "agents": [EVIL], "results": [EVIL], "kinds": [EVIL],
                  "chosen": CHOSEN, "paged": False},
    "run.html": {"run": RUN, "transcript": SAID, "problem": EVIL, "told": TOLD, "calls": [CALL], "left": LEFT},
    "left.html": {"run": RUN, "left": LEFT, "changes": [(REPOSITORY, differences(EVIL))]},
    "left_file.html": {"run": RUN, "path": EVIL, "text": EVIL, "size": 7},
    "trigger.html": {"detail": TOLD, "trigger": TRIGGER, "held": EVIL},
    "queue.html": {"waiting": [TRIGGER], "dead": [TRIGGER], "here_alone": "/queue", "waiting_pages": [(EVIL, "/queue")],
                   "dead_pages": [(EVIL, queue.address({"before": EVIL}) + "#dead")]},
    "receipts.html": {"receipts": [RECEIPT], "refused": [RefusedDeliveries(EVIL, EVIL, 2, EVIL, EVIL)],
                      "older": "before=x", "statuses": [EVIL], "chosen": CHOSEN},
    "receipt.html": {"detail": ReceiptDetail(receipt=RECEIPT, headers={EVIL: EVIL}, body=EVIL, started=[TRIGGER]),
                     "receipt": RECEIPT},
    "locks.html": {"locks": [LockView(EVIL, EVIL, EVIL, EVIL)]},
    "usage.html": {"report": REPORT, "agent": "", "periods": [(EVIL, "/usage", True)], "of_everybody": "/usage",
                   "allowances": usage.allowances(REPORT), "dearest_usd": 1.0, "unpriced": 1},
    "configuration.html": {"loaded": LOADED, "warnings": [EVIL]},
    "keys.html": {"opening": [KEY], "over": [KEY], "written": dict.fromkeys(("name", "scope", "days"), EVIL),
                  "scopes": keys.SCOPES, "days": keys.DAYS, "error": RunError(EVIL, EVIL, EVIL),
                  "made": KeyMade(id=EVIL, key=EVIL, expires_at=EVIL), "made_name": EVIL},
    "audit.html": {"entries": [(entry, audit.address_of(entry)) for entry in ENTRIES],
                   "names": AuditNames([EVIL], [EVIL]), "older": "before=x", "paged": True,
                   "chosen": dict.fromkeys(("actor", "action", "since", "until"), EVIL)},
    "login.html": {"failed": True, "next": EVIL},
    "failed.html": {"error": RunError(EVIL, EVIL, EVIL)},
}  # fmt: skip


class Reader(HTMLParser):
    """What a browser would make of a page: elements, and where links and forms lead."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.attributes: set[str] = set()
        self.elements: set[str] = set()
        self.addresses: list[str] = []
        self.shown = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.add(tag)
        self.attributes |= given.keys()
        if tag == "script":
            self.scripts.append(given.get("src", ""))
        self.addresses += [given[name] for name in ("href", "action", "hx-get") if name in given]

    def handle_data(self, data: str) -> None:
        self.shown += data


@pytest.mark.parametrize("name", PAGES)
def test_whatever_strangers_wrote_is_only_shown(name: str) -> None:
    text = render(name, WHO, NOW, EVIL, "/runs", **PAGES[name])
    page = Reader()
    page.feed(text)
    assert all(source.startswith("/assets/") for source in page.scripts)
    assert len(page.scripts) == (4 if name == "usage.html" else 2)
    assert "style" not in page.elements | page.attributes
    assert not {attribute for attribute in page.attributes if attribute.startswith("on")}
    assert all(re.fullmatch(r"[/#][^\s\"'<>]*", address) for address in page.addresses), page.addresses
    assert not any(address.startswith("//") for address in page.addresses)
    assert "49" not in page.shown.replace("{{ 7*7 }}", "")
    hidden = [character for character in text if not character.isprintable() and character not in "\n\t"]
    assert not hidden
    assert "alert(1)" in page.shown  # it is told, too


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(hooked_world(tmp_path, ManualClock()), console=True) as made:
        yield made


async def entered(world: GatewayWorld, key: Secret | None = None) -> httpx2.AsyncClient:
    client = world.asking()
    answer = await client.post("/login", data={"key": (key or world.key).reveal(), "next": "/runs"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    return client


async def with_scope(world: GatewayWorld, scope: Scope) -> httpx2.AsyncClient:
    secret, now = api_keys.new_secret(), world.gateway.service.clock.now()
    await world.gateway.service.database.write(lambda c: api_keys.make(c, str(scope), [scope], secret, now))
    return await entered(world, secret)


def token_of(page: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found
    return found[1]


async def test_whoever_is_not_in_is_led_to_the_login_and_back(world: GatewayWorld) -> None:
    away = await world.anybody.get("/runs?agent=dev")
    assert (away.status_code, away.headers["location"]) == (303, "/login?next=/runs%3Fagent%3Ddev")
    login = await world.anybody.get(away.headers["location"])
    assert 'name="next" value="/runs?agent=dev"' in login.text
    renewing = await world.anybody.get("/runs", headers={"hx-request": "true"})
    assert (renewing.status_code, renewing.headers["hx-redirect"]) == (401, "/login")
    assert (await world.anybody.post("/agents/dev/trigger")).headers["location"] == "/login"
    assert not world.world.runs_of()


async def test_a_form_needs_its_token_and_then_redirects(world: GatewayWorld) -> None:
    client = await entered(world)
    refused = await client.post("/agents/dev/trigger", data={"csrf": "wrong"})
    assert refused.status_code == 403
    assert "Load the page again" in refused.text
    csrf = token_of((await client.get("/")).text)
    done = await client.post("/agents/dev/trigger", data={"csrf": csrf, "prompt": "Look", "back": "//evil.example"})
    assert done.status_code == 303
    assert re.fullmatch(r"/triggers/\w{26}\?said=triggered", done.headers["location"])
    [run] = await world.world.until_runs(1)
    assert world.world.keeper.starts[0].trigger.prompt == "Look"
    led = await client.get(done.headers["location"])
    assert (led.status_code, led.headers["location"]) == (303, f"/runs/{run.run_id}")
    renewed = await client.get(done.headers["location"], headers={"hx-request": "true"})
    assert (renewed.status_code, renewed.headers["hx-redirect"]) == (200, f"/runs/{run.run_id}")
    shown = await client.get(f"/runs/{run.run_id}?said=nonsense")
    assert "<pre>Look</pre>" in shown.text
    assert shown.status_code == 200
    assert "nonsense" not in re.sub(r"said=nonsense", "", shown.text)


@pytest.mark.parametrize(
    ("back", "leads"),
    [
        ("/", "/?said=disabled"),
        ("/?page=2&text=a+b&said=paused", "/?page=2&text=a+b&said=disabled"),
        ("/queue?before=x", "/queue?before=x&said=disabled"),
        ("//evil.example/", "/agents/dev?said=disabled"),
        ("/\\evil.example", "/agents/dev?said=disabled"),
        ("/?" + "a" * 2000, "/agents/dev?said=disabled"),
    ],
)
async def test_a_form_leads_back_to_its_place_in_a_list(world: GatewayWorld, back: str, leads: str) -> None:
    client = await entered(world)
    form = {"csrf": token_of((await client.get("/")).text), "back": back}
    assert (await client.post("/agents/dev/disable", data=form)).headers["location"] == leads


async def test_what_is_taken_in_while_the_project_is_paused_is_said_to_wait(world: GatewayWorld) -> None:
    client = await entered(world)
    form = {"csrf": token_of((await client.get("/")).text), "back": "/"}
    await client.post("/pause", data=form)
    led = (await client.post("/agents/dev/trigger", data=form)).headers["location"]
    page = (await client.get(led)).text
    assert "It waits: nothing of it begins now" in page
    assert "The project is paused: what comes waits" in page
    assert re.search(r'<a href="/" aria-current="page">Agents</a>', page)  # with what is said in the address, too


async def test_many_agents_are_shown_in_pages_and_found(tmp_path: Path) -> None:
    made = SchedulerWorld(tmp_path, ManualClock())
    for number in range(PAGE + 20):
        made.agent(f"a{number:03}")
    made.agent("z-last")
    async with gateway_world(made, console=True) as world:
        client = await entered(world)
        first = (await client.get("/")).text
        assert "Page 1 of 2, 121 agents" in first
        assert 'href="/?page=2" rel="next"' in first
        assert "/agents/z-last" not in first
        second = (await client.get("/?page=2")).text
        assert "/agents/z-last" in second
        assert 'hx-get="/?page=2"' in second  # it renews itself as it is
        found = (await client.get("/?text=Z-L")).text
        assert "/agents/z-last" in found
        assert "/agents/a001" not in found
        assert "No agent has that" in (await client.get("/?text=nobody")).text
        await world.scheduler.intake.take(manual("z-last"))
        await made.until_runs(1, "z-last")
        assert "/agents/z-last" in (await client.get("/")).text  # what runs is first


@pytest.mark.parametrize(
    ("scope", "sees", "not_"),
    [(Scope.READ, [], ["/trigger", "/disable", "/pause"]), (Scope.TRIGGER, ["/trigger"], ["/disable", "/pause"]),
     (Scope.ADMIN, ["/trigger", "/disable", "/pause"], [])],
)  # fmt: skip
async def test_each_sees_what_it_may_do(world: GatewayWorld, scope: Scope, sees: list[str], not_: list[str]) -> None:
    client = await with_scope(world, scope)
    page = (await client.get("/")).text
    assert [f'{path}"' in page for path in sees] == [True] * len(sees)
    assert not [path for path in not_ if f'{path}"' in page]
    if not_:
        refused = await client.post("/pause", data={"csrf": token_of(page)})
        assert refused.status_code == 403
        assert "scope admin" in refused.text


async def test_pages_say_what_is_wrong_in_pages(world: GatewayWorld) -> None:
    client = await entered(world)
    for address, status in (("/runs/none", 404), ("/agents/none", 404), ("/runs?before=x", 400), ("/receipts/x", 404)):
        answer = await client.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert "That did not work" in answer.text


@pytest.mark.parametrize("page", ["agents", "runs", "triggers", "receipts"])
@pytest.mark.parametrize("name", ["%00", "a%00b", "x" * 501])
async def test_a_name_that_nothing_can_have_is_not_looked_for(world: GatewayWorld, page: str, name: str) -> None:
    response = await world.client.get(f"/{page}/{name}")
    assert response.status_code == 404
    assert "there is nothing at this address" in response.text


async def test_a_failed_run_says_why_before_all_else(world: GatewayWorld) -> None:
    await world.scheduler.intake.take(manual())
    [run] = await world.world.until_runs(1)
    world.world.keeper.end(run.run_id, Result.ERROR, error=RunError("model", "it was refused", "Wait."))
    await world.world.until_closed(1)
    client = await entered(world)
    assert "it was refused" in (await client.get("/runs?result=error")).text
    assert "it was refused" not in (await client.get("/runs?result=completed")).text
    page = (await client.get(f"/runs/{run.run_id}")).text
    assert page.index("it was refused") < page.index("Started by") < page.index("What it said")


async def test_assets_are_kept_for_good_and_pages_never(world: GatewayWorld) -> None:
    page = await world.anybody.get("/login")
    assert page.headers["cache-control"] == "no-store"
    addresses = re.findall(r'"(/assets/[^"]+)"', page.text)
    assert len(set(addresses)) == 4
    for address in addresses:
        asset = await world.anybody.get(address)
        assert (asset.status_code, asset.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert "unsafe" not in page.headers["content-security-policy"]


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(Exception, match="'run' is undefined"):
        render("run.html", WHO, NOW, "p", "/")


def test_a_run_without_anything_has_a_page() -> None:
    bare = RunView(run_id="r", agent="a", attempt=1, trigger=Trigger(), state=RunState.QUEUED, queued_at="")
    values = {"run": bare, "transcript": transcript([]), "problem": "", "told": None, "calls": [], "left": None}
    assert "Nothing yet." in render("run.html", WHO, NOW, "p", "/", **values)


@pytest.mark.parametrize("state", list(RunState))
def test_a_run_of_every_state_has_a_page(state: RunState) -> None:
    run = RunView(
        run_id="r", agent="a", attempt=1, trigger=Trigger(), state=state, queued_at="", status_text="working"
    )  # fmt: skip
    values = {"run": run, "transcript": transcript([]), "problem": "", "told": None, "calls": [], "left": None}
    page = render("run.html", WHO, NOW, "p", "/", **values)
    assert "working" in page
    assert ("It said nothing." in page) == (state is RunState.FINISHED)


async def test_a_browser_that_is_held_back_is_told_so_in_a_page(world: GatewayWorld) -> None:
    client = world.asking(address="198.51.100.7")
    client.headers["accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
    for _ in range(EACH_BURST):
        wrong = await client.post("/login", data={"key": "wrong", "next": "/runs?agent=dev"})
        assert wrong.headers["location"] == "/login?failed=1&next=/runs%3Fagent%3Ddev"
    held = await client.post("/login", data={"key": "wrong"})
    assert (held.status_code, held.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "too many wrong keys" in held.text
    assert "Try again in 12 s." in held.text
    assert int(held.headers["retry-after"]) == 12
    assert 'href="/"' in held.text


@pytest.mark.parametrize(("path", "html"), [("/nowhere", True), ("/api/v1/nowhere", False), ("/webhooks/", False)])
async def test_an_address_that_leads_nowhere(world: GatewayWorld, path: str, html: bool) -> None:
    browser = await world.anybody.get(path, headers={"accept": "text/html"})
    assert browser.status_code == 404
    assert browser.headers["content-type"].startswith("text/html" if html else "application/json")
    assert "there is nothing at this address" in browser.text
    program = await world.anybody.get(path)
    assert program.headers["content-type"] == "application/json"


async def test_a_logout_that_is_refused_is_told_in_a_page(world: GatewayWorld) -> None:
    client = await entered(world)
    refused = await client.post("/logout", data={"csrf": "wrong"}, headers={"accept": "text/html"})
    assert (refused.status_code, refused.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert (await client.get("/runs")).status_code == 200


async def test_both_lists_of_the_queue_have_pages_of_their_own(
    world: GatewayWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE", 2)
    await world.scheduler.pause("a person")
    for number in range(6):
        await world.scheduler.intake.take(manual(prompt=str(number)))
    for trigger in (await world.client.get("/api/v1/queue")).json()[:3]:
        await world.client.post(f"/api/v1/triggers/{trigger['id']}/discard")
    client = await entered(world)
    seen: dict[str, list[str]] = {"waiting": [], "dead": []}
    address = "/queue"
    for _ in range(2):
        page = Listed()
        page.feed((await client.get(address)).text)
        seen = {name: seen[name] + page.rows[name] for name in seen}
        address = next((one for one in page.older if "waiting=" in one), address)
        address = merged(address, next((one for one in page.older if "before=" in one), ""))
    waiting = [trigger["id"] for trigger in (await world.client.get("/api/v1/queue")).json()]
    dead = [trigger["id"] for trigger in (await world.client.get("/api/v1/dead-letters")).json()]
    assert seen == {"waiting": waiting, "dead": dead}
    assert (len(waiting), len(dead)) == (3, 3)


class Listed(HTMLParser):
    """The triggers in the two lists of the queue, and the links to older ones."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, list[str]] = {"waiting": [], "dead": []}
        self.older: list[str] = []
        self._list = "waiting"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if given.get("id") == "dead":
            self._list = "dead"
        if given.get("rel") == "next":
            self.older.append(given["href"])
        if tag == "a" and given.get("href", "").startswith("/triggers/"):
            self.rows[self._list].append(given["href"].removeprefix("/triggers/"))


def merged(one: str, other: str) -> str:
    """The address that is at the places of both."""
    queries = [parse_qs(urlsplit(address).query) for address in (one, other)]
    return queue.address({name: values[0] for query in queries for name, values in query.items()})


async def test_a_refused_delivery_is_seen_beside_the_receipts(world: GatewayWorld) -> None:
    headers, _body = world.signed()
    assert (await world.anybody.post("/webhooks/hub", content=b"forged", headers=headers)).status_code == 401
    page = (await (await entered(world)).get("/receipts")).text
    assert "Refused since the start: 1" in page
    assert "its signature is by none of 1 secret" in page
    assert "forged" not in page


async def test_a_delivery_leads_to_the_run_that_it_started(world: GatewayWorld) -> None:
    await world.deliver()
    [run] = await world.world.until_runs(1)
    client = await entered(world)
    [receipt] = (await world.client.get("/api/v1/receipts")).json()
    page = (await client.get(f"/receipts/{receipt['id']}")).text
    assert f'href="/runs/{run.run_id}"' in page
    [started] = (await world.client.get(f"/api/v1/receipts/{receipt['id']}")).json()["started"]
    assert (started["agent"], started["run_id"], started["state"]) == ("dev", run.run_id, "running")


async def test_what_waits_in_a_chat_is_told_so(world: GatewayWorld) -> None:
    client = await entered(world)
    await world.client.post("/api/v1/agents/dev/chat", json={"prompt": "Hello"})
    [run] = await world.world.until_runs(1)
    await until(lambda: run.run_id in world.scheduler.dispatcher.active)
    csrf = token_of((await client.get(f"/runs/{run.run_id}")).text)
    for ahead, said in ((0, "told"), (2, "told_later")):
        world.events.ahead = ahead
        answer = await client.post(f"/runs/{run.run_id}/say", data={"csrf": csrf, "text": f"More {ahead}"})
        assert answer.headers["location"] == f"/runs/{run.run_id}?said={said}#talk"
    assert "is said when the turn" in (await client.get(f"/runs/{run.run_id}?said=told_later")).text


async def test_keys_and_the_audit_are_for_admins(world: GatewayWorld) -> None:
    client = await with_scope(world, Scope.TRIGGER)
    front = (await client.get("/")).text
    assert 'href="/usage"' in front
    assert not [path for path in ("/keys", "/audit") if f'href="{path}"' in front]
    made = {"csrf": token_of(front), "name": "mine", "scope": "admin", "days": ""}
    answers = [await client.get("/keys"), await client.get("/audit"), await client.post("/keys", data=made)]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert len((await world.client.get("/api/v1/keys")).json()) == 2


async def test_a_key_is_made_only_by_a_page_of_ours_and_never_kept(world: GatewayWorld) -> None:
    client = await entered(world)
    form = {"name": "ci", "scope": "read", "days": "7"}
    assert (await client.post("/keys", data=form)).status_code == 403
    made = await client.post("/keys", data={**form, "csrf": token_of((await client.get("/keys")).text)})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    [key] = re.findall(r"fh_[\w-]{43}", made.text)
    assert key not in (await client.get("/keys")).text
    assert key not in (await world.client.get("/api/v1/audit")).text
    for field, value in (("days", "many"), ("days", "99999"), ("scope", "root"), ("name", " ")):
        csrf = token_of((await client.get("/keys")).text)
        wrong = await client.post("/keys", data={**form, field: value, "csrf": csrf})
        assert (wrong.status_code, "No key was made" in wrong.text) == (400, True)


@pytest.mark.parametrize("query", ["since=yesterday", "until=0001-01-01", "since=2026-13-01", "since=9999-12-31"])
async def test_a_day_that_is_none_is_said_to_be_so(world: GatewayWorld, query: str) -> None:
    answer = await (await entered(world)).get(f"/audit?{query}")
    assert answer.status_code == 400
    assert "is no day" in answer.text
