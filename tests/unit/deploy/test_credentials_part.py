"""What a push does to the credentials on a server, by what is there."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.deploy.credentials_choice import Chosen, Place
from freehold.deploy.credentials_part import CredentialsPart
from freehold.deploy.facts import gather
from freehold.deploy.remote import program_text
from freehold.hosts.fake_host import FakeHost, script_document
from freehold.hosts.local_host import LocalHost
from freehold.hosts.script import run_script
from freehold.project.credential import CredentialRef
from freehold.server.layout import Layout
from tests.support.server_parts import raw

TOKEN, HOOK = CredentialRef("github_token"), CredentialRef("github_webhook_secret", "old")
CHOSEN = Chosen(
    {
        Place.KEEPER: {TOKEN: {"token": Secret("sesame-keeper")}},
        Place.GATEWAY: {HOOK: {"secret": Secret("sesame-gateway")}},
    }
)
PART = CredentialsPart(Layout("shop"), CHOSEN, key="00" * 32)
GIVE = ["give the keeper github_token", "give the gateway github_webhook_secret:old"]


def stored(value: str, mode: int = 0o600) -> dict[str, Any]:
    return {"digest": hmac.new(bytes(32), f"{value}\n".encode(), hashlib.sha256).hexdigest(), "mode": mode}


KEEPERS = {"github_token/default/token": stored("sesame-keeper")}
GATEWAYS = {"github_webhook_secret/old/secret": stored("sesame-gateway")}


def planned(
    part: CredentialsPart, places: Mapping[str, Any], listed: Mapping[str, list[str]] | None = None
) -> list[str]:
    return [change.what for change in part.plan(raw({"places": places, "listed": listed or {}}))]


@pytest.mark.parametrize(
    ("places", "changes"),
    [
        ({}, GIVE),
        ({"keeper": {}, "gateway": {}}, GIVE),
        ({"keeper": KEEPERS, "gateway": GATEWAYS}, []),
        ({"keeper": {"github_token/default/token": stored("other")}, "gateway": GATEWAYS}, GIVE[:1]),
        ({"keeper": {"github_token/default/token": stored("sesame-keeper", 0o644)}, "gateway": GATEWAYS}, GIVE[:1]),
        (
            {"keeper": {**KEEPERS, "anthropic_key/default/token": stored("x")}, "gateway": GATEWAYS},
            ["take anthropic_key from the keeper"],
        ),
        (
            {"keeper": {**KEEPERS, "github_token/default/more": stored("x")}, "gateway": GATEWAYS},
            ["take github_token from the keeper"],
        ),
        (
            {"keeper": KEEPERS, "gateway": {**GATEWAYS, "gateway_api_key/default/key": stored("x")}},
            [],
        ),
        ({"keeper": KEEPERS, "gateway": {**GATEWAYS, "something/else/entirely": stored("x")}}, []),
    ],
)
def test_only_what_differs_is_done(places: dict[str, Any], changes: list[str]) -> None:
    assert planned(PART, places) == changes


OLD = {"keeper": {**KEEPERS, "anthropic_key/default/token": stored("x")}, "gateway": GATEWAYS}


@pytest.mark.parametrize(
    ("part", "listed", "changes"),
    [
        (PART, {"01": ["anthropic_key/default"]}, []),
        (PART, {"01": ["anthropic_key/other"]}, ["take anthropic_key from the keeper"]),
        (replace(PART, going=["01"]), {"01": ["anthropic_key/default"]}, ["take anthropic_key from the keeper"]),
        (replace(PART, going=["01"]), {"01": ["anthropic_key/default"], "02": ["anthropic_key/default"]}, []),
        (replace(PART, chosen=replace(CHOSEN, is_whole=False)), {}, []),
    ],
)
def test_what_a_kept_release_may_need_stays(
    part: CredentialsPart, listed: dict[str, list[str]], changes: list[str]
) -> None:
    assert planned(part, OLD, listed) == changes


def test_the_plan_shows_no_value() -> None:
    changes = PART.plan(raw({"places": {}, "listed": {}}))
    assert [change.detail for change in changes] == [("token",), ("secret",)]
    assert "sesame" not in repr(changes) + str([change.document for change in changes])


async def test_values_travel_on_standard_input_alone() -> None:
    host = FakeHost(scripts={"credentials": lambda _document: None})
    await PART.carry_out(host, PART.plan(raw({"places": {}, "listed": {}})))
    (command,) = host.ran
    assert command.as_root
    assert "sesame" not in " ".join(command.argv)
    keeper, gateway = json.loads(script_document(command))["places"]
    assert keeper == {
        "home": "/var/lib/freehold/shop/keeper-home", "user": "fh-shop-keeper",
        "write": {"github_token/default/token": "sesame-keeper"}, "remove": [],
    }  # fmt: skip
    assert "sesame-keeper" not in str(gateway)


async def test_one_key_is_good_for_one_push() -> None:
    first, second = CredentialsPart(Layout("shop"), CHOSEN), CredentialsPart(Layout("shop"), CHOSEN)
    assert first.asked()["key"] != second.asked()["key"]
    assert first.asked() == first.asked()
    assert first.key not in repr(first)


def me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


class Home:
    """A home here, for the remote program to work in as the user that we are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.credentials = folder / "credentials"

    async def change(self, write: Mapping[str, str], *remove: str) -> None:
        place = {"home": str(self.folder), "user": me(), "write": write, "remove": list(remove)}
        await run_script(LocalHost(), "credentials", program_text("credentials"), {"places": [place]}, type(None))

    def put(self, name: str, content: str) -> None:
        path = self.credentials / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def content(self, name: str) -> tuple[str, int]:
        path = self.credentials / name
        return path.read_text(), path.stat().st_mode & 0o777

    @property
    def modes(self) -> set[int]:
        return {path.stat().st_mode & 0o777 for path in self.credentials.rglob("*") if path.is_dir()}

    @property
    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.credentials)) for path in self.credentials.rglob("*"))


async def test_files_are_written_and_taken_away(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.put("github_token/default/token", "old\n")
    await home.change({"github_token/default/token": "a 'b' $(id)\n\"c\" é", "git_ssh/x/id_rsa": "k"})
    assert home.content("github_token/default/token") == ("a 'b' $(id)\n\"c\" é\n", 0o600)
    assert home.modes == {0o700}
    await home.change({}, "github_token/default/token", "github_token/default/gone")
    assert home.names == ["git_ssh", "git_ssh/x", "git_ssh/x/id_rsa"]
    await home.change({"git_ssh/x/id_rsa": "k"})
    assert home.names == ["git_ssh", "git_ssh/x", "git_ssh/x/id_rsa"]


async def test_what_goes_wrong_there_is_told_without_a_value(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.put("github_token", "a file in the place of a folder")
    with pytest.raises(FreeholdError) as caught:
        await home.change({"github_token/default/token": "sesame"})
    assert caught.value.code is Code.FAILED
    assert "github_token" in caught.value.message
    assert "sesame" not in caught.value.message


async def test_a_user_that_is_not_there_is_told(tmp_path: Path) -> None:
    place = {"home": str(tmp_path), "user": "fh-nobody-at-all", "write": {}, "remove": []}
    with pytest.raises(FreeholdError, match="no user fh-nobody-at-all"):
        await run_script(LocalHost(), "credentials", program_text("credentials"), {"places": [place]}, type(None))


async def test_a_server_that_has_nothing_yet(tmp_path: Path) -> None:
    part = CredentialsPart(Layout("never-there", str(tmp_path)), CHOSEN)
    if os.geteuid() != 0:
        pytest.skip("asks as root")
    assert [change.what for change in part.plan((await gather(LocalHost(), [part]))["credentials"])] == GIVE


async def test_what_is_read_is_a_digest_and_what_releases_list(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.put("github_token/default/token", "sesame\n")
    record(tmp_path, "01", '{"credentials": ["github_token/default"]}')
    record(tmp_path, "02", "{")
    place = {"home": str(tmp_path), "user": me()}
    asked = {"places": {"keeper": place}, "releases": str(tmp_path / "releases"), "key": "00" * 32}
    read = f"{program_text('credentials')}\ndef main(asked): return read(asked)\n"
    facts = await run_script(LocalHost(), "credentials", read, asked, dict[str, Any])
    expected = stored("sesame", home.content("github_token/default/token")[1])
    assert facts["places"] == {"keeper": {"github_token/default/token": expected}}
    assert facts["listed"] == {"01": ["github_token/default"], "02": []}


async def test_what_a_stranger_in_the_gateway_puts_there_holds_up_no_push(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.put("github_token/default/token", "sesame\n")
    home.put("github_token/\x1b[2Jcleared\n/token", "x")
    home.put(os.fsdecode(b"github_token/default/\xff"), "x")
    os.mkfifo(home.credentials / "github_token/default/pipe")
    (home.credentials / "github_token/default/link").symlink_to("/etc/shadow")
    with (home.credentials / "github_token/default/endless").open("wb") as file:
        file.truncate(1 << 40)
    asked = {"places": {"keeper": {"home": str(tmp_path), "user": me()}}, "releases": "/nowhere", "key": "00" * 32}
    read = f"{program_text('credentials')}\ndef main(asked): return read(asked)\n"
    facts = await run_script(LocalHost(), "credentials", read, asked, dict[str, Any], timeout_s=20.0)
    assert sorted(facts["places"]["keeper"]) == ["github_token/default/endless", "github_token/default/token"]


def record(folder: Path, release: str, text: str) -> None:
    place = folder / "releases" / release / ".freehold"
    place.mkdir(parents=True)
    (place / "release.json").write_text(text)
