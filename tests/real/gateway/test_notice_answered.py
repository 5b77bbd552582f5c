"""A run in a container asks for leave; its question goes out as a notice, and is answered by the link in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from freehold.wire.service import API
from tests.support.installation import ROOT, Installation, until
from tests.support.running_service import RunningService
from tests.support.strict_server import Asked, Reply, StrictServer

pytestmark = pytest.mark.docker

NEVER = "version: 1\nturns: [{say: Never asked.}]\n"


@pytest.fixture
def phone() -> Iterator[StrictServer]:
    """What takes the notices."""

    def taken(_asked: Asked) -> Reply:
        return Reply(204, b"")

    server = StrictServer(taken)
    yield server
    server.close()


def lay_out(here: Installation, phone: StrictServer, **config: Any) -> None:
    channel = f'\n[notices.phone]\ntype = "webhook"\nurl = "{phone.url}/in"\n'
    path = here.project / "config.toml"
    path.write_text(path.read_text() + channel + '\n[gateway]\nurl = "https://fh.example.com"\n')
    FileCredentialStore(here.home).put(
        CredentialRef("notice_webhook_secret"), {"secret": Secret("a secret of some length")}
    )
    command = ["env", "PYTHONPATH=/app/agent", "python3", "/app/agent/tests/harnesses/asks.py"]
    folder = here.agent(rehearsal=NEVER, harness={"command": command}, permissions="ask", **config)
    scripts = folder / "tests/harnesses"
    scripts.mkdir(parents=True)
    for name in ("asks.py", "acp_script.py"):
        shutil.copy(ROOT / "tests/harnesses" / name, scripts / name)


def told(phone: StrictServer, kind: str) -> list[dict[str, Any]]:
    found = [json.loads(asked.body) for asked in list(phone.asked)]
    return [one for one in found if one["type"] == f"notice.{kind}"]


def begin(service: RunningService) -> None:
    service.start()
    assert service.ask("POST", f"{API}/agents/dev/trigger", {"prompt": "Go."}).status_code == 202


def run_of(service: RunningService) -> dict[str, Any]:
    runs: list[dict[str, Any]] = service.ask("GET", f"{API}/runs").json()["runs"]
    return runs[0] if runs else {"state": "none"}


def anybody(method: str, url: str) -> httpx2.Response:
    with httpx2.Client(timeout=30, trust_env=False) as client:
        return client.request(method, url)


def said(here: Installation, run_id: str) -> list[dict[str, Any]]:
    events = Path(here.state / "runs" / run_id / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in events]


def test_a_question_is_answered_by_the_link_in_its_notice(
    here: Installation, service: RunningService, phone: StrictServer
) -> None:
    lay_out(here, phone)
    begin(service)
    until(lambda: bool(told(phone, "permission")))
    [question] = told(phone, "permission")
    [notice] = question["data"]["notices"]
    assert (notice["agent"], notice["permission"]["title"]) == ("dev", "rm -rf build")
    waiting = run_of(service)["waiting_for"]
    assert [one["title"] for one in waiting] == ["rm -rf build"]
    answers = {answer["name"]: service.url + urlsplit(answer["url"]).path for answer in question["data"]["answers"]}
    assert set(answers) == {"Allow", "Always", "Reject"}
    # It is known by its public name; this machine's own is known, too.
    assert anybody("GET", answers["Allow"]).status_code == 200
    assert run_of(service)["state"] == "running"
    assert "Answered: Allow" in anybody("POST", answers["Allow"]).text
    until(lambda: run_of(service)["state"] == "finished")
    run = run_of(service)
    assert run["waiting_for"] == []
    told_harness = [event["text"] for event in said(here, run["run_id"]) if event["type"] == "message"]
    assert json.loads("".join(told_harness)) == {"outcome": {"outcome": "selected", "optionId": "yes"}}
    assert anybody("POST", answers["Reject"]).status_code == 404
    answered = [event for event in said(here, run["run_id"]) if event["type"] == "permission.answered"]
    assert [(event["option_id"], event["by"]) for event in answered] == [("yes", "person")]
    log = service.log.read_text()
    assert "/answer/" in log
    assert urlsplit(answers["Allow"]).path not in log


def test_nobody_answers_and_the_default_does(here: Installation, service: RunningService, phone: StrictServer) -> None:
    lay_out(here, phone, permission_deadline=2, permission_default="allow")
    begin(service)
    until(lambda: run_of(service)["state"] == "finished")
    run = run_of(service)
    answered = [event for event in said(here, run["run_id"]) if event["type"] == "permission.answered"]
    assert [(event["option_id"], event["by"]) for event in answered] == [("yes", "deadline")]
    assert len(told(phone, "permission")) == 1


def test_a_failure_is_told(here: Installation, service: RunningService, phone: StrictServer) -> None:
    lay_out(here, phone)
    here.agent(script="echo broken >&2\nfh exit 3\n")
    begin(service)
    until(lambda: bool(told(phone, "failed")))
    [failure] = told(phone, "failed")
    [notice] = failure["data"]["notices"]
    assert notice["title"] == "dev failed"
    assert "fh exit 3" in notice["text"]
    assert failure["data"]["page"] == f"https://fh.example.com/runs/{notice['run_id']}"
    listed = service.ask("GET", f"{API}/notices").json()
    assert [(one["channel"], one["kind"], one["state"]) for one in listed] == [("phone", "failed", "sent")]
