"""`freehold webhook`: a trigger tried before its sender knows the address."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from freehold.wire.service import ReceiptDetail, RefusedDeliveries, WebhookAnswer
from tests.support.command import Answer, freehold
from tests.support.fake_gateway import Raw, listening_in
from tests.support.folders import MODEL, one_agent, write_files
from tests.support.service_words import RECEIPT

PROJECT = MODEL + '[webhooks.hub]\ntype = "github"\n[webhooks.ci]\ntype = "generic"\nallowUnsigned = true\n'
AGENT = 'models = ["sonnet"]\n[[webhooks]]\nsource = "hub"\nevents = ["issues"]\nlabels = ["agent"]\n'
OTHER = 'models = ["sonnet"]\n[[webhooks]]\nsource = "hub"\nevents = ["push"]\n'
ISSUE = {
    "action": "labeled",
    "issue": {"number": 1, "title": "Broken", "labels": [{"name": "agent"}], "user": {"login": "someone"}},
    "label": {"name": "agent"},
    "repository": {"full_name": "acme/shop"},
    "sender": {"login": "someone"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = one_agent(AGENT, project=PROJECT)
    files |= {"agents/pusher/SKILL.md": files["agents/dev/SKILL.md"], "agents/pusher/config.toml": OTHER}
    return write_files(tmp_path / "shop", {**files, "issue.json": json.dumps(ISSUE)})


def typed(project: Path, *words: str) -> Answer:
    return freehold("webhook", *words, home=project.parent / "home", project=project)


def test_it_says_who_would_start_and_why_others_would_not(project: Path) -> None:
    answer = typed(project, "simulate", "hub", str(project / "issue.json"), "--event", "issues")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines == [
        "issues labeled from hub",
        "✓ dev would start",
        '- pusher: events: wanted "push"; it has "issues"',
    ]
    told = json.loads(typed(project, "simulate", "hub", str(project / "issue.json"), "--event", "push", "--json").out)
    assert told["starts"] == ["pusher"]
    assert "dev" in told["refusals"]


def test_a_fixture_may_have_headers(project: Path) -> None:
    fixture = project / "fixture.json"
    fixture.write_text(json.dumps({"headers": {"X-GitHub-Event": "issues"}, "body": ISSUE}))
    assert "✓ dev would start" in typed(project, "simulate", "hub", str(fixture)).out
    fixture.write_text(json.dumps({"headers": {"X-GitHub-Event": "issues"}, "body": json.dumps(ISSUE)}))
    assert "✓ dev would start" in typed(project, "simulate", "hub", str(fixture)).out


WRONG = [
    (["simulate", "nobody", "{}/issue.json"], 1, "unknown webhook source"),
    (["simulate", "hub", "{}/issue.json"], 2, "names the event in x-github-event"),
    (["simulate", "hub", "{}/nothing.json"], 2, "No such file"),
    (["simulate", "hub", "{}/config.toml", "--event", "issues"], 2, "is no JSON"),
    (["simulate", "hub", "{}/issue.json", "--event", "ping"], 2, "only asks whether anybody is there"),
    (["simulate", "hub", "{}/agents", "--event", "issues"], 2, "Is a directory"),
]


@pytest.mark.parametrize(("words", "code", "told"), WRONG)
def test_what_cannot_be_tried_is_told(project: Path, words: list[str], code: int, told: str) -> None:
    answer = typed(project, *(word.format(project) for word in words))
    assert (answer.code, answer.out) == (code, "")
    assert told in answer.err


def test_it_is_sent_signed(project: Path) -> None:
    home = project.parent / "home"
    field = "secret=a-long-secret"
    assert freehold("creds", "add", "github_webhook_secret", "--field", field, home=home, project=project).code == 0
    with listening_in(project) as gateway:
        gateway.replies["POST /webhooks/hub"] = Raw(b'{"ok":true,"matched":1,"skipped":0,"receiptId":"r1"}')
        words = ("simulate", "hub", str(project / "issue.json"), "--event", "issues", "--send")
        answer = typed(project, *words)
        assert (answer.out, answer.err) == ("1 agent started\n", "freehold webhook show r1 says what came of it\n")
        [asked] = gateway.asked
        assert json.loads(typed(project, *words, "--json").out)["receiptId"] == "r1"
        gateway.replies["POST /webhooks/hub"] = Raw(b'{"type":1}')  # no receipt: what else a sender may be answered
        assert typed(project, *words).out == '{"type":1}\n'
    digest = hmac.new(b"a-long-secret", asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["x-hub-signature-256"] == f"sha256={digest}"
    assert asked.headers["x-github-event"] == "issues"
    assert asked.json() == ISSUE
    assert typed(project, *words).code == 5


def test_receipts_are_listed_and_taken_in_again(project: Path) -> None:
    with listening_in(project) as gateway:
        gateway.replies["GET /receipts"] = [RECEIPT]
        gateway.replies["POST /receipts/r1/replay"] = WebhookAnswer(matched=2, skipped=1, receipt_id="r2")
        assert "labels: none" in typed(project, "receipts", "--status", "unmatched").out
        assert gateway.asked[0].query == {"status": "unmatched", "limit": "50"}
        assert typed(project, "replay", "r1").out == "2 agents started, 1 could not\n"
        assert json.loads(typed(project, "replay", "r1", "--json").out)["receiptId"] == "r2"
        gateway.replies["GET /receipts"] = []
        assert typed(project, "receipts").out == "Nothing came, or nothing of that kind.\n"


def test_what_was_refused_is_counted_below_the_receipts(project: Path) -> None:
    at = "2026-11-21T09:00:00.000Z"
    with listening_in(project) as gateway:
        gateway.replies["GET /receipts"] = []
        gateway.replies["GET /refused-deliveries"] = [
            RefusedDeliveries("hub", "not proven", 3, at, "its signature is by none of 1 secret (default)"),
            RefusedDeliveries("", "unknown source", 1, at, "there is no webhook source 'gihub'"),
        ]
        lines = typed(project, "receipts").out.splitlines()
        assert lines[2:3] == ["Refused since the start:"]
        assert lines[3].startswith("  hub: 3 times not proven, last at 2026-11-21 ")
        assert lines[3].endswith("by none of 1 secret (default)")
        assert lines[4].startswith("  no such source: 1 time unknown source, ")
        assert typed(project, "receipts", "--json").out == "[]\n"


def test_a_receipt_is_told_whole_and_drives_no_terminal(project: Path) -> None:
    detail = ReceiptDetail(receipt=RECEIPT, headers={"x-event": "issues"}, body='{"a": "\x1b[2J"}', triggers=["t1"])
    with listening_in(project) as gateway:
        gateway.replies["GET /receipts/r1"] = detail
        told = typed(project, "show", "r1").out
        assert json.loads(typed(project, "show", "r1", "--json").out)["receipt"]["id"] == RECEIPT.id
    assert "labels: none" in told
    assert "started: trigger t1" in told
    assert "x-event: issues" in told
    assert "\x1b" not in told
