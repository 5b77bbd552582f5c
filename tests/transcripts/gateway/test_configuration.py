"""What of a project's files is at work, told by the API: also while an edit has errors, and never a secret."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freehold.base.clock import ManualClock
from freehold.base.secret import Secret
from freehold.gateway.health import UNTOLD
from freehold.project.credential import CredentialRef
from freehold.scheduler.edition import Composer
from freehold.server.release import RECORD_FILE, ReleaseRecord
from freehold.wire.service import API
from tests.support.folders import MODEL
from tests.support.gateway_world import SECRET, GatewayWorld, gateway_world, hooked_world

GONE_WRONG = 'models = ["sonnet"]\nschedule = "every day"\n'


class Edited:
    """A gateway whose project is looked at again when a test says so."""

    def __init__(self, world: GatewayWorld, composer: Composer) -> None:
        self.world = world
        self._composer = composer

    def look(self) -> None:
        edition = self._composer.compose(self.world.scheduler.agents.edition, time.time_ns())
        self.world.scheduler.take_over(edition)

    def write(self, path: str, text: str) -> None:
        (self.world.world.project / path).write_text(text)
        self.look()

    async def told(self) -> dict[str, Any]:
        answer = await self.world.client.get(f"{API}/configuration")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def agent(self, name: str = "dev") -> dict[str, Any]:
        found: list[dict[str, Any]] = (await self.told())["agents"]
        return next(agent for agent in found if agent["name"] == name)


@pytest.fixture
async def edited(tmp_path: Path) -> AsyncIterator[Edited]:
    made = hooked_world(tmp_path, ManualClock(), 'credentials = ["github_token"]\n')
    composer = made.composer()
    async with gateway_world(made) as world:
        world.scheduler.take_over(composer.compose(None, time.time_ns()))
        yield Edited(world, composer)


async def test_what_is_loaded_is_told_by_name(edited: Edited) -> None:
    told = await edited.told()
    assert len(told["revision"]) == 32
    assert told["since"] is not None
    assert [(model["name"], model["credential"]) for model in told["models"]] == [("sonnet", "anthropic_key")]
    assert [(source["name"], source["type"]) for source in told["webhooks"]] == [("hub", "github")]
    used = {one["name"]: (one["used_by"], one["fields"]) for one in told["credentials"]}
    assert used == {
        "anthropic_key": (["model sonnet"], []),
        "github_token": (["dev"], []),
        "github_webhook_secret": (["webhook hub"], ["secret"]),
    }
    agent = await edited.agent()
    assert (agent["revision"], agent["goes_on"], agent["error"]) == (told["revision"], False, "")
    assert agent["credentials"] == ["github_token"]


async def test_an_edit_with_errors_is_told_while_the_version_before_goes_on(edited: Edited) -> None:
    before = (await edited.told())["revision"]
    edited.write("agents/dev/config.toml", GONE_WRONG)
    agent = await edited.agent()
    assert agent["goes_on"]
    assert "agents/dev/config.toml: schedule" in agent["error"]
    assert agent["revision"] == before
    seen = (await edited.world.client.get(f"{API}/agents/dev")).json()
    assert seen["goes_on"]
    assert "agents/dev/config.toml: schedule" in seen["error"]
    edited.write("agents/dev/config.toml", 'models = ["sonnet"]\nschedule = "0 9 * * *"\n')
    agent = await edited.agent()
    assert (agent["goes_on"], agent["error"]) == (False, "")
    assert agent["revision"] != before


async def test_a_new_agent_with_errors_has_no_version(edited: Edited) -> None:
    folder = edited.world.world.project / "agents" / "new"
    folder.mkdir()
    (folder / "SKILL.md").write_text("---\nname: new\ndescription: x\n---\nDo it.\n")
    edited.write("agents/new/config.toml", 'models = ["nothing"]\nschedule = "0 9 * * *"\n')
    agent = await edited.agent("new")
    assert (agent["revision"], agent["goes_on"]) == ("", False)
    assert "agents/new/config.toml: models" in agent["error"]


async def test_an_edit_of_the_projects_own_files_that_has_errors_is_told(edited: Edited) -> None:
    before = await edited.told()
    edited.write("config.toml", "[models.sonnet\n")
    told = await edited.told()
    assert "config.toml" in told["error"]
    assert (told["revision"], told["since"]) == (before["revision"], before["since"])


async def test_a_version_serves_since_it_was_chosen(edited: Edited) -> None:
    first = await edited.told()
    edited.look()
    assert await edited.told() == first
    again = edited.world.world.composer()  # as after a restart
    edited.world.scheduler.take_over(again.compose(again.restore(), time.time_ns()))
    assert (await edited.told())["since"] == first["since"]


async def test_where_senders_send_to_and_what_is_not_needed_is_told(edited: Edited) -> None:
    edited.write(
        "config.toml",
        '[gateway]\nurl = "https://shop.example.com/"\n[webhooks.hub]\ntype = "github"\n'
        f'[webhooks.ci]\ntype = "generic"\nallowUnsigned = true\n{MODEL}',
    )
    told = await edited.told()
    assert [(one["name"], one["address"], one["unsigned"]) for one in told["webhooks"]] == [
        ("hub", "https://shop.example.com/webhooks/hub", False),
        ("ci", "https://shop.example.com/webhooks/ci", True),
    ]
    needed = {one["name"]: one["needed"] for one in told["credentials"]}
    assert (needed["github_webhook_secret"], needed["generic_webhook_secret"]) == (True, False)


async def test_no_secret_is_told(edited: Edited) -> None:
    edited.world.credentials.put(CredentialRef("github_token"), {"token": Secret("ghp_of_dev")})
    edited.write(
        "config.toml",
        '[webhooks.hub]\ntype = "github"\n[models.sonnet]\nprovider = "anthropic"\nmodel = "claude-sonnet-4-5"\n'
        'base_url = "https://user:pass-word@models.example.com/v1?token=query-word"\n'
        '[mcp.files]\nurl = "https://mcp.example.com/way-word"\n',
    )
    answer = (await edited.world.client.get(f"{API}/configuration")).text
    words = ("ghp_of_dev", SECRET.reveal(), "pass-word", "query-word", "way-word")
    assert not [word for word in words if word in answer]
    assert '"fields":["token"]' in answer


def place_release(project: Path, credentials: tuple[str, ...] = ()) -> ReleaseRecord:
    """As a push leaves the project's folder."""
    record = ReleaseRecord(
        id="01jd0000000000000000000001", project="shop", content="", program="", pushed_at="", pushed_by="",
        version="1", credentials=credentials,
    )  # fmt: skip
    place = project / RECORD_FILE
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(msgspec.json.encode(record))
    return record


async def test_what_the_keeper_alone_can_see_is_there_when_a_push_brought_it(edited: Edited) -> None:
    """On a server the gateway has the secrets of webhooks, and must not look for agents' credentials."""
    names = ("github_token/default", "github_webhook_secret/default", "strange")
    place_release(edited.world.world.project, names)
    found = {one["name"]: one["fields"] for one in (await edited.told())["credentials"]}
    assert found["github_token"] == ["token"]
    secrets = [fields for name, fields in found.items() if name.startswith("github_webhook_secret")]
    assert secrets == [["secret"]]
    edited.world.credentials.remove(CredentialRef("github_webhook_secret"))
    found = {one["name"]: one["fields"] for one in (await edited.told())["credentials"]}
    assert found["github_webhook_secret"] == []


async def test_health_says_which_release_was_looked_at_and_what_of_it_is_refused(edited: Edited) -> None:
    record = place_release(edited.world.world.project)
    edited.look()
    whole = (await edited.world.anybody.get("/health")).json()
    assert (whole["release"], whole["refused"]) == (record.id, [])
    assert (await edited.told())["release"] == record.id
    assert (await edited.world.client.get(f"{API}/status")).json()["release"] == record.id
    edited.write("agents/dev/config.toml", GONE_WRONG)
    [refused] = (await edited.world.anybody.get("/health")).json()["refused"]
    assert refused.startswith("agent dev: ")
    assert "agents/dev/config.toml: schedule" in refused
    stranger = (await edited.world.asking(address="198.51.100.7").get("/health")).json()
    assert (stranger["release"], stranger["refused"]) == (record.id, [UNTOLD])
