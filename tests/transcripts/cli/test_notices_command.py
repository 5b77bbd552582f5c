"""`freehold notices`: what was told, and whether a channel works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from freehold.wire.service import NoticeView
from tests.support.command import Answer, freehold
from tests.support.fake_gateway import FakeGateway, listening_in
from tests.support.folders import one_agent, write_files
from tests.support.strict_server import Asked, Reply, StrictServer

AT = "2026-11-21T09:00:00.000Z"
SENT = NoticeView(id="1", channel="team", kind="failed", title="dev failed", state="sent", created_at=AT, sent_at=AT)
GIVEN_UP = NoticeView(
    id="2", channel="team", kind="budget", title="all is spent", state="given_up", created_at=AT, problem="no answer"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", one_agent())


@pytest.fixture
def gateway(project: Path) -> Iterator[FakeGateway]:
    with listening_in(project) as fake:
        yield fake


def typed(project: Path, *words: str) -> Answer:
    return freehold(*words, home=project.parent / "home", project=project)


def test_what_was_told_is_listed(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /notices"] = [GIVEN_UP, SENT]
    answer = typed(project, "notices")
    assert (answer.code, answer.err) == (0, "")
    assert "given up: no answer" in answer.out
    assert "dev failed" in answer.out
    assert [one["id"] for one in json.loads(typed(project, "notices", "list", "--json").out)] == ["2", "1"]


def test_nothing_was_told(project: Path, gateway: FakeGateway) -> None:
    gateway.replies["GET /notices"] = []
    assert typed(project, "notices").out == "Nobody was told anything.\n"


TRIES = [(200, 0, "team took it."), (404, 1, "it answered 404: no_service")]


@pytest.mark.parametrize(("status", "code", "said"), TRIES)
def test_a_channel_is_tried(project: Path, status: int, code: int, said: str) -> None:
    config = project / "config.toml"
    config.write_text('[notices.team]\ntype = "slack"\n' + config.read_text())

    def reply(_asked: Asked) -> Reply:
        return Reply(status, b"ok" if status == 200 else b"no_service")

    server = StrictServer(reply)
    try:
        store = FileCredentialStore(project.parent / "home")
        store.put(CredentialRef("slack_webhook"), {"url": Secret(server.url + "/services/canary")})
        answer = typed(project, "notices", "test", "team")
    finally:
        server.close()
    assert answer.code == code
    assert said in answer.out + answer.err
    assert "canary" not in answer.out + answer.err
    assert b"this channel works" in server.asked[0].body


def test_a_channel_that_there_is_not(project: Path) -> None:
    answer = typed(project, "notices", "test", "teem")
    assert answer.code == 1
    assert 'unknown notice channel "teem"; there is none' in answer.err


def test_a_channel_without_its_credential(project: Path) -> None:
    config = project / "config.toml"
    config.write_text('[notices.team]\ntype = "slack"\n' + config.read_text())
    answer = typed(project, "notices", "test", "team")
    assert answer.code == 1
    assert "team did not take it: slack_webhook.url is not stored" in answer.err
    assert "freehold creds add slack_webhook" in answer.err
