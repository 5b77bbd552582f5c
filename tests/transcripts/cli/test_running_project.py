"""Commands about a running project, against a gateway that says what it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.cli.context import Context
from freehold.cli.start import not_there
from freehold.cli.status import where_it_answers
from freehold.client.gateway_address import KEY_FIELD, KEY_TYPE, LocalAddress, ServerAddress
from freehold.client.tunnel import Tunnel
from freehold.hosts.target import Target
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from freehold.store.known_hosts import KnownHosts
from freehold.wire import events
from freehold.wire.runs import Outcome, Result, Trigger
from freehold.wire.service import (
    Done,
    KeyMade,
    KeyView,
    Killed,
    LockView,
    Page,
    RefusedDeliveries,
    TriggerAccepted,
    TriggerDetail,
)
from tests.support.command import Answer, freehold
from tests.support.fake_gateway import Asked, FakeGateway, Raw, listening_in, listening_on_loopback
from tests.support.folders import one_agent, write_files
from tests.support.service_words import RUN, agent_view, project_status, run_view, trigger_view

TRIGGER = "01jd0000000000000000000009"
KEY = KeyView(id="k1", name="ci", scopes=["trigger"], created_at="2026-11-21T09:00:00.000Z")
ACCEPTED = TriggerAccepted(trigger_id="t1", agent="dev", waiting=1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", one_agent())


@pytest.fixture
def gateway(project: Path) -> Iterator[FakeGateway]:
    with listening_in(project) as fake:
        yield fake


def typed(project: Path, *words: str, stdin: str = "") -> Answer:
    return freehold(*words, home=project.parent / "home", project=project, stdin=stdin)


NEED_IT = [
    ["stop"], ["status"], ["status", "dev"], ["stats"], ["pause"], ["resume", "dev"], ["queue"], ["queue", "dead"],
    ["queue", "replay", TRIGGER], ["queue", "discard", TRIGGER, "-y"], ["locks"], ["locks", "release", "a://b", "-y"],
    ["keys", "list"], ["keys", "add", "ci"], ["keys", "revoke", "ci"], ["agent", "enable", "dev"],
    ["agent", "scale", "dev", "2"], ["runs", "retry", RUN], ["run", "dev", "--continue", RUN, "more"],
    ["webhook", "receipts"], ["webhook", "show", "r1"], ["webhook", "replay", "r1"],
]  # fmt: skip


@pytest.mark.parametrize("words", NEED_IT, ids=" ".join)
def test_a_project_that_is_not_running_is_told_how_to_start(project: Path, words: list[str]) -> None:
    answer = typed(project, *words)
    assert (answer.code, answer.out) == (5, "")
    hint = "Start it: freehold start; where that was just done, ask again in a moment"
    assert answer.err == f"error: {project} is not running\n  {hint}\n"
    told = json.loads(typed(project, *words, "--json").err)["error"]
    assert told["code"] == "unreachable"


def test_no_project_is_not_taken_for_one_that_is_not_running(tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    answer = typed(folder, "status")
    assert answer.code == 1
    assert "holds no project" in answer.err
    assert list(folder.iterdir()) == []


def test_status(project: Path, gateway: FakeGateway) -> None:
    broken = agent_view("broken", state="error", error="its model has no key")
    gateway.replies["GET /status"] = project_status(agent_view(), broken, problems=("agent broken: no key\x1b[2J",))
    answer = typed(project, "status")
    assert answer.code == 0
    head, spent, columns, *rows = answer.out.splitlines()
    assert head.startswith("shop: running since 2026-11-21")
    assert head.endswith("1 run under way, 3 waiting")
    assert spent == "spent: $1.20 of $5.00 today, $20.10 this month"
    assert columns.split() == ["AGENT", "STATE", "RUNS", "WAITING", "NEXT", "LAST", "RUN", "STARTED", "BY", "SAYS"]
    assert rows[0].split()[:4] == ["dev", "idle", "0/2*", "3"]
    assert rows[2] == "2 dead letters: freehold queue dead"
    assert answer.err == "warning: agent broken: no key[2J\n"
    assert json.loads(typed(project, "status", "--json").out)["name"] == "shop"
    assert typed(project, "status", "-q").out.startswith("AGENT")


def test_status_says_why_nothing_begins(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /status"] = project_status(held="the day's budget is spent")
    assert "nothing begins: the day's budget is spent" in typed(project, "status").out
    gateway.replies["GET /status"] = project_status(paused=True, held="paused by ci")
    shown = typed(project, "status").out
    assert "shop: running since" in shown  # since when it is paused, nobody knows
    assert "paused: what comes waits; `freehold resume` lets it begin" in shown
    assert "nothing begins" not in shown


def test_status_says_where_it_answers_and_what_was_refused(project: Path, gateway: FakeGateway) -> None:
    refused = [RefusedDeliveries("hub", "not proven", 3, "2026-11-21T09:00:00.000Z", "its signature is by none")]
    gateway.replies["GET /status"] = project_status(
        address="http://127.0.0.1:8080", console="https://shop.example.com/", refused=refused
    )
    lines = typed(project, "status").out.splitlines()
    assert lines[1] == "gateway: http://127.0.0.1:8080, console: https://shop.example.com/"
    assert lines[-2].startswith("webhooks: refused 3 times since the start, last at 2026-11-21 ")
    assert lines[-2].endswith("(hub: not proven): freehold webhook receipts")
    told = json.loads(typed(project, "status", "--json").out)
    assert (told["address"], told["refused"][0]["count"]) == ("http://127.0.0.1:8080", 3)
    gateway.replies["GET /status"] = project_status(address="http://127.0.0.1:8080")
    assert "gateway: http://127.0.0.1:8080 (no console: freehold start --web)" in typed(project, "status").out


def test_an_address_of_the_servers_own_is_not_told_as_one_of_this_machine(tmp_path: Path) -> None:
    there = ServerAddress("prod", "shop", "/gateway.sock", Tunnel(Target("box"), KnownHosts(tmp_path)))
    own = project_status(address="http://127.0.0.1:8080", console="http://127.0.0.1:8080/")
    assert where_it_answers(there, own).endswith(
        "console: http://127.0.0.1:8080/, there alone: from here, freehold console -E prod"
    )
    assert "-E" not in where_it_answers(LocalAddress(tmp_path), own)
    assert "-E" not in where_it_answers(there, project_status(address="https://shop.example.com"))


def test_who_starts_with_a_servers_name_is_told_where(tmp_path: Path) -> None:
    write_files(tmp_path, {"environments/prod.toml": '[server]\nhost = "box"\n', "environments/laid.toml": ""})
    assert "on this machine" in not_there(Context(home=tmp_path, environment="prod"))
    assert [not_there(Context(home=tmp_path, environment=name)) for name in ("laid", "local", "")] == ["", "", ""]


def test_status_shows_what_agents_say_where_one_says_something(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /status"] = project_status(agent_view())
    assert "reading" in typed(project, "status").out
    gateway.replies["GET /status"] = project_status(msgspec.structs.replace(agent_view(), status_text=""))
    assert "SAYS" not in typed(project, "status").out


def test_status_of_an_agent(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /agents/dev"] = agent_view(error="it cannot", state="error")
    answer = typed(project, "status", "dev")
    assert "dev: error · What dev does." in answer.out
    assert "  scale:        2 (configured: 1)" in answer.out
    assert f"  last run:     {RUN}: completed" in answer.out
    assert "→ do this" in answer.out
    assert answer.err == "warning: it cannot\n"
    gateway.replies["GET /agents/dve"] = FreeholdError(Code.NOT_FOUND, "there is no agent dve", "the agents are: dev")
    answer = typed(project, "status", "dve")
    assert (answer.code, answer.err) == (1, "error: there is no agent dve\n  the agents are: dev\n")


SWITCHES = [
    (["pause"], "POST /pause", "", "paused"),
    (["resume"], "POST /resume", "", "resumed"),
    (["pause", "dev"], "POST /agents/dev/disable", "", "dev: disabled"),
    (["resume", "dev"], "POST /agents/dev/enable", "", "dev: enabled"),
    (["agent", "disable", "dev"], "POST /agents/dev/disable", "", "dev: disabled"),
    (["agent", "enable", "dev"], "POST /agents/dev/enable", "", "dev: enabled"),
    (["agent", "scale", "dev", "3"], "PUT /agents/dev/scale", '{"scale":3}', "dev: at most 3 at a time"),
    (["agent", "scale", "dev", "0"], "PUT /agents/dev/scale", '{"scale":0}', "dev: begins nothing; what comes waits"),
    (["agent", "scale", "dev", "default"], "PUT /agents/dev/scale", '{"scale":null}', "dev: as configured"),
    (["queue", "replay", TRIGGER], f"POST /triggers/{TRIGGER}/replay", "", f"{TRIGGER} waits again"),
    (["queue", "discard", TRIGGER, "--yes"], f"POST /triggers/{TRIGGER}/discard", "", f"{TRIGGER} will not begin"),
    (["locks", "release", "a://b/c d", "-y"], "POST /locks/release", '{"uri":"a://b/c d"}', "a://b/c d is free"),
    (["pause", "a/../b"], "POST /agents/a%2F..%2Fb/disable", "", "disabled"),
]


@pytest.mark.parametrize(("words", "line", "body", "told"), SWITCHES, ids=str)
def test_a_change_is_asked_for_and_told(
    project: Path, gateway: FakeGateway, words: list[str], line: str, body: str, told: str
) -> None:
    gateway.replies[line] = Done()
    answer = typed(project, *words)
    assert (answer.code, answer.err) == (0, "")
    assert told in answer.out
    [asked] = gateway.asked
    assert (asked.line, asked.body.decode()) == (line, body)
    assert typed(project, *words, "-q").out == ""
    assert isinstance(json.loads(typed(project, *words, "--json").out), dict)


def test_what_cannot_be_a_scale_is_not_asked_for(project: Path, gateway: FakeGateway) -> None:
    for wrong in ("many", "-1", "1.5", "٣", "9" * 30):
        assert typed(project, "agent", "scale", "dev", "--", wrong).code == 2
    assert gateway.asked == []


def test_the_beginning_of_a_trigger_will_do_where_only_one_begins_so(project: Path, gateway: FakeGateway) -> None:
    others = [f"01jd00000000000000000001{number:02}" for number in range(600)]
    letters = [msgspec.structs.replace(trigger_view("dead"), id=one) for one in (*reversed(others), TRIGGER)]

    def page(asked: Asked) -> object:
        before, limit = asked.query.get("before", "~"), int(asked.query["limit"])
        return [one for one in letters if one.id < before][:limit]

    gateway.replies["GET /dead-letters"] = gateway.replies["GET /queue"] = page
    gateway.replies[f"POST /triggers/{TRIGGER}/replay"] = {}
    gateway.replies[f"POST /dead-letters/{TRIGGER}/discard"] = {}
    assert typed(project, "queue", "replay", TRIGGER[:-2].upper()).out == f"{TRIGGER} waits again\n"
    assert typed(project, "queue", "discard", TRIGGER[:-1], "--dead", "-y").out == f"{TRIGGER} is given up\n"
    several = typed(project, "queue", "replay", others[0][:-2])
    assert several.code == 1
    assert "more than one dead letter begins with 01jd0000000000000000" in several.err
    assert "and more" in several.err
    nobody = typed(project, "queue", "discard", "zz", "-y")
    assert (nobody.code, "there is no trigger that waits zz" in nobody.err) == (1, True)
    assert [line for line in gateway.lines if line.startswith("POST")] == [
        f"POST /triggers/{TRIGGER}/replay", f"POST /dead-letters/{TRIGGER}/discard",
    ]  # fmt: skip


def test_an_agent_is_not_stopped_and_it_is_said_what_does_that(project: Path, gateway: FakeGateway) -> None:
    answer = typed(project, "stop", "dev")
    assert answer.code == 2
    assert "ends the whole project" in answer.err
    assert "freehold kill dev ends" in answer.err
    assert "freehold pause dev lets it begin nothing" in answer.err
    assert gateway.lines == []


@pytest.mark.parametrize("words", [["queue", "discard", TRIGGER], ["locks", "release", "a"], ["keys", "revoke", "ci"]])
def test_what_takes_away_asks_first(project: Path, gateway: FakeGateway, words: list[str]) -> None:
    gateway.replies["GET /keys"] = [KEY]
    answer = typed(project, *words)
    assert answer.code == 2
    assert "give --yes to agree" in answer.err
    assert [line for line in gateway.lines if not line.startswith("GET")] == []


def test_stop(project: Path, gateway: FakeGateway) -> None:
    path = project / ".freehold" / "gateway.sock"

    def stop(_asked: Asked) -> object:
        path.rename(path.with_suffix(".gone"))
        return Done()

    gateway.replies["POST /stop"] = stop
    answer = typed(project, "stop")
    assert (answer.code, answer.out) == (0, "stopped\n")
    path.with_suffix(".gone").rename(path)


def test_the_queue(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /queue"] = [trigger_view()]
    gateway.replies["GET /dead-letters"] = [trigger_view("dead", reason="the queue was full")]
    assert typed(project, "queue").out.splitlines()[1].startswith("t1       dev    webhook hub")
    assert typed(project, "queue").out == typed(project, "queue", "list").out
    assert typed(project, "queue", "dead").out.splitlines()[1].endswith("the queue was full")
    answer = typed(project, "queue", "list", "-n", "1")
    assert (gateway.asked[-1].query, "there may be more" in answer.err) == ({"limit": "1"}, True)
    gateway.replies["GET /queue"] = gateway.replies["GET /dead-letters"] = []
    assert typed(project, "queue").out == "Nothing waits.\n"
    assert typed(project, "queue", "dead").out == "Nothing was given up.\n"


def test_locks(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /locks"] = [LockView("github://a/1", RUN, "2026-11-21T09:00:00Z", "2026-11-21T09:30:00Z")]
    assert "github://a/1" in typed(project, "locks").out
    gateway.replies["GET /locks"] = []
    assert typed(project, "locks").out == "Nothing is locked.\n"


def test_a_key_is_printed_once_and_alone(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["POST /keys"] = KeyMade(id="k1", key="fh_secret")
    answer = typed(project, "keys", "add", "ci", "--scope", "read", "--scope", "trigger")
    assert answer.out == "fh_secret\n"
    assert "fh_secret" not in answer.err
    assert gateway.asked[0].json() == {"name": "ci", "scopes": ["read", "trigger"]}
    assert typed(project, "keys", "add", "ci", "--scope", "root").code == 2
    assert typed(project, "keys", "add", "ci", "--days", "0").code == 2


def test_a_key_may_end_by_itself(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["POST /keys"] = KeyMade(id="k1", key="fh_secret", expires_at="2026-11-28T09:00:00.000Z")
    answer = typed(project, "keys", "add", "ci", "--days", "7")
    assert gateway.asked[0].json() == {"name": "ci", "scopes": ["read"], "days": 7}
    assert "until 2026-11-28" in answer.err
    ending = KeyView(
        id="k1", name="ci", scopes=["read"], created_at=KEY.created_at, expires_at="2026-11-28T09:00:00.000Z"
    )  # fmt: skip
    gateway.replies["GET /keys"] = [ending]
    assert "2026-11-28" in typed(project, "keys", "list").out


def test_keys_are_listed_and_revoked(project: Path, gateway: FakeGateway) -> None:
    gone = KeyView(id="k0", name="ci", scopes=["read"], created_at=KEY.created_at, revoked_at=KEY.created_at)
    gateway.replies["GET /keys"] = [gone, KEY]
    gateway.replies["DELETE /keys/k1"] = Done()
    assert "never" in typed(project, "keys", "list").out
    assert typed(project, "keys", "revoke", "ci", "-y").out == "ci opens nothing any more\n"
    assert "unknown key" in typed(project, "keys", "revoke", "cd", "-y").err
    gateway.replies["GET /keys"] = [KEY, KeyView(id="k2", name="ci", scopes=["read"], created_at=KEY.created_at)]
    answer = typed(project, "keys", "revoke", "ci", "-y")
    assert (answer.code, "k1, k2" in answer.err) == (1, True)


DAY = {
    "day": "2026-11-21", "agent": "dev", "runs": 3, "failed": 1, "input": 1000, "output": 200, "cache_read": 0,
    "cache_write": 0, "requests": 5, "cost_usd": 0.25, "duration_s": 65.0,
}  # fmt: skip


def test_stats(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /usage"] = [{**DAY, "day": "2026-11-20"}, DAY]
    answer = typed(project, "stats", "dev", "--since", "2w")
    lines = answer.out.splitlines()
    assert lines[1].split() == ["2026-11-21", "dev", "3", "1", "1", "min", "05", "s", "1,200", "$0.2500"]
    assert lines[2].startswith("2026-11-20")
    assert answer.err == "6 runs, 2 failed, 2,400 tokens, $0.5000\n"
    assert gateway.asked[0].query == {"days": "14", "agent": "dev"}
    assert json.loads(typed(project, "stats", "--json", "-n", "1").out)["day"] == "2026-11-21"
    for wrong in ("-1", "0"):
        assert typed(project, "stats", "-n", wrong).code == 2
    for wrong in ("7", "d", "0d", "-1d", "99999w", "7h"):
        assert typed(project, "stats", "--since", wrong).code == 2
    gateway.replies["GET /usage"] = []
    assert typed(project, "stats").out == "Nothing ran in 7d.\n"
    gateway.replies["GET /agents/dev"] = agent_view()
    assert typed(project, "stats", "dev").out == "dev did not run in 7d.\n"
    gateway.replies["GET /agents/dve"] = FreeholdError(Code.NOT_FOUND, "there is no agent dve", "the agents are: dev")
    answer = typed(project, "stats", "dve")
    assert (answer.code, answer.err) == (1, "error: there is no agent dve\n  the agents are: dev\n")


def test_kill_goes_through_the_gateway(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /runs"] = Page(runs=[run_view(result=None), run_view("dev-01jd0000000000000000000000")])
    gateway.replies["POST /agents/dev/kill"] = Killed(1)
    answer = typed(project, "kill", "dev", "--reason", "enough")
    assert answer.out == f"{RUN}: stopping\n"
    assert gateway.asked[-1].json() == {"reason": "enough"}
    gateway.replies[f"POST /runs/{RUN}/kill"] = run_view(result=Result.KILLED)
    assert typed(project, "kill", RUN).out == f"{RUN}: killed\n"
    assert typed(project, "kill", RUN[-8:]).out == f"{RUN}: killed\n"
    answer = typed(project, "kill", "nobody")
    assert (answer.code, answer.err.startswith("error: no run ends with")) == (1, True)


def test_kill_does_without_a_gateway(project: Path) -> None:
    answer = typed(project, "kill", "dev")
    assert (answer.code, "no runs yet" in answer.err) == (1, True)


def finished_stream() -> Raw:
    outcome = Outcome(agent="dev", attempt=1, trigger=Trigger(), result=Result.ERROR)
    ended = events.RunFinished(**{**{name: getattr(outcome, name) for name in outcome.__struct_fields__}, "seq": 2})
    pieces = [events.Message(seq=1, run_id=RUN, text="hello"), ended]
    return Raw(b"".join(b"id: %d\ndata: %s\n" % (one.seq, events.encode(one)) + b"\n" for one in pieces))


def test_a_run_is_begun_again(project: Path, gateway: FakeGateway) -> None:
    gateway.replies[f"POST /runs/{RUN}/retry"] = ACCEPTED
    answer = typed(project, "runs", "retry", RUN)
    assert (answer.code, answer.out, answer.err) == (0, "t1\n", "taken in for dev\n")


def test_a_run_is_begun_again_and_watched(project: Path, gateway: FakeGateway) -> None:
    waiting = TriggerDetail(trigger=trigger_view(), attempts=[])
    began = TriggerDetail(trigger=trigger_view("running", run_id=RUN), attempts=[])
    standing = iter([waiting, began])
    gateway.replies[f"POST /runs/{RUN}/retry"] = TriggerAccepted(
        trigger_id="t1", agent="dev", waiting=1, note="the project is paused"
    )
    gateway.replies["GET /triggers/t1"] = lambda _asked: next(standing)
    whole = finished_stream()
    not_yet = FreeholdError(Code.NOT_FOUND, "there is no such run")
    pieces = iter([not_yet, Raw(whole.content[: whole.content.index(b"\n\n") + 2]), whole])
    gateway.replies[f"GET /runs/{RUN}/events"] = lambda _asked: next(pieces)
    answer = typed(project, "runs", "retry", RUN, "-f")
    assert answer.code == 1
    assert answer.out.count("hello") == 1
    assert "error in 0.0 s" in answer.out
    assert "it waits: the project is paused" in answer.err
    assert gateway.asked[-1].headers["last-event-id"] == "1"


def test_what_is_given_up_before_it_begins_is_told(project: Path, gateway: FakeGateway) -> None:
    gateway.replies[f"POST /runs/{RUN}/retry"] = ACCEPTED
    gateway.replies["GET /triggers/t1"] = TriggerDetail(trigger=trigger_view("dead", reason="discarded"), attempts=[])
    answer = typed(project, "runs", "retry", RUN, "-f")
    assert (answer.code, "it was given up: discarded" in answer.err) == (1, True)


def test_a_run_is_continued(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /runs"] = Page(runs=[run_view()])
    gateway.replies[f"POST /runs/{RUN}/continue"] = ACCEPTED
    assert typed(project, "run", "dev", "--continue", RUN[-8:], "and now?", "-d").out == "t1\n"
    assert gateway.asked[-1].json() == {"prompt": "and now?"}
    assert "not of other" in typed(project, "run", "other", "--continue", RUN, "and?").err
    assert typed(project, "run", "dev", "--continue", RUN).code == 2
    assert typed(project, "run", "dev", "--continue", RUN, "x", "--rehearse").code == 2


def test_an_environment_is_asked_with_its_key(tmp_path: Path, project: Path) -> None:
    home = tmp_path / "home"
    with listening_on_loopback() as (fake, port):
        write_files(home, {"environments/prod.toml": f'[gateway]\nurl = "http://127.0.0.1:{port}"\n'})
        fake.replies["GET /status"] = project_status(agent_view())
        answer = typed(project, "status", "-E", "prod")
        assert (answer.code, fake.asked) == (4, [])
        assert "freehold keys keep -E prod" in answer.err
        assert typed(project, "keys", "keep", "-E", "prod", stdin="fh_kept\n").out == "kept for prod\n"
        stored = FileCredentialStore(home).get(CredentialRef(KEY_TYPE, "prod"), KEY_FIELD)
        assert isinstance(stored, Secret)
        assert typed(project, "status", "-E", "prod").code == 0
        assert fake.asked[0].headers["authorization"] == "Bearer fh_kept"
    assert typed(project, "status", "-E", "prod").code == 5


KEPT_WRONG = [(["keys", "keep"], 2), (["keys", "keep", "-E", "nowhere"], 1), (["keys", "keep", "-E", "prod"], 4)]


@pytest.mark.parametrize(("words", "code"), KEPT_WRONG)
def test_what_is_no_key_is_not_kept(tmp_path: Path, project: Path, words: list[str], code: int) -> None:
    write_files(tmp_path / "home", {"environments/prod.toml": ""})
    assert typed(project, *words, stdin="\n").code == code
    assert FileCredentialStore(tmp_path / "home").list() == []


def test_runs_and_logs_of_a_project_elsewhere(tmp_path: Path, project: Path) -> None:
    home = tmp_path / "home"
    message = events.encode(events.Message(seq=1, run_id=RUN, text="hello from there"))
    with listening_on_loopback() as (fake, port):
        write_files(home, {"environments/prod.toml": f'[gateway]\nurl = "http://127.0.0.1:{port}"\n'})
        typed(project, "keys", "keep", "-E", "prod", stdin="fh_kept\n")
        fake.replies["GET /runs"] = lambda asked: Page(runs=[run_view()] if asked.query.get("agent") != "no" else [])
        fake.replies[f"GET /runs/{RUN}/events"] = Raw(message)
        assert RUN in typed(project, "runs", "dev", "-E", "prod").out
        assert fake.asked[-1].query == {"agent": "dev", "limit": "20"}
        for target in ([], ["dev"], [RUN], [RUN[-8:]]):
            assert "hello from there" in typed(project, "logs", *target, "-E", "prod").out
        assert typed(project, "logs", "no", "-E", "prod").err.startswith('error: no run ends with "no"')
        fake.replies["GET /runs"] = Page(runs=[])
        assert typed(project, "logs", "-E", "prod").err.startswith("error: this project has no runs there yet")
        fake.replies["GET /runs"] = Page(runs=[run_view()])
        fake.replies[f"GET /runs/{RUN}/events"] = finished_stream()
        answer = typed(project, "logs", "-f", "-E", "prod")
        assert (answer.code, "error in 0.0 s" in answer.out) == (1, True)
        write_files(home, {"environments/prod.toml": ""})
        assert "no runs yet" in typed(project, "logs", "-E", "prod").err
