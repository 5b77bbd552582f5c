"""One push to several servers: what goes wrong with one is no reason to leave the others as they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.program import Freehold
from tests.support.pushing import WITHOUT_IMAGE, Pushing, project, typed_in
from tests.support.sandbox import SandboxServer

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

UNREACHABLE_DATABASE = 'database_url = "postgresql://nobody@127.0.0.1:1/none"\n'


@pytest.fixture(scope="module")
def shops(
    sandbox: SandboxServer, sandbox13: SandboxServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Pushing, Pushing]:
    """One project, as it is on either server."""
    here = project(sandbox, tmp_path_factory.mktemp("several"), "several", **WITHOUT_IMAGE)
    return here, Pushing(sandbox13, here.root)


@pytest.fixture(scope="module")
def other(program: Freehold, sandbox13: SandboxServer) -> Path:
    """The file of the environment `other`, the second server."""
    key = sandbox13.says("cat /etc/ssh/ssh_host_ed25519_key.pub")
    added = program("env", "add", f"root@{sandbox13.address}", "--name", "other", "--key", str(sandbox13.key),
                    "--host-key", " ".join(key.split()[:2]))  # fmt: skip
    assert added.returncode == 0, added.stderr
    file = program.home / "environments/other.toml"
    file.write_text(file.read_text().replace("[server]", "[server]\nexpose = false"))
    return file


@pytest.fixture(scope="module")
def program(shops: tuple[Pushing, Pushing]) -> Freehold:
    return typed_in(shops[0])


def releases(shops: tuple[Pushing, Pushing]) -> tuple[str, str]:
    return shops[0].current, shops[1].current


def push(program: Freehold, *words: str, code: int) -> dict[str, dict[str, object]]:
    """What is said of each environment."""
    done = program("push", "--yes", "--health-timeout", "20", "--json", *words)
    assert done.returncode == code, done.stderr
    return {each["environment"]: each for each in json.loads(done.stdout)["environments"]}


def edit(shops: tuple[Pushing, Pushing], text: str) -> None:
    shops[0].write(**{"agents/hello/SKILL.md": f"---\ndescription: {text}\n---\n{text}\n"})


def test_one_goes_back_and_the_other_is_pushed(shops: tuple[Pushing, Pushing], program: Freehold, other: Path) -> None:
    both = ("-E", "hidden", "-E", "other")
    push(program, *both, code=0)
    first = releases(shops)
    edit(shops, "Second.")
    sound = other.read_text()
    other.write_text(UNREACHABLE_DATABASE + sound)
    done = program("push", "--yes", "--health-timeout", "20", *both)
    assert done.returncode == 6, done.stderr
    assert f"several on hidden: pushed, release {shops[0].current}" in done.stdout
    assert "other" not in done.stdout
    assert "several on other: release" in done.stderr
    assert f"is not well; release {first[1]} counts again, and is well" in done.stderr
    assert shops[0].current != first[0]
    assert shops[1].current == first[1]
    assert all(json.loads(shop.health)["status"] == "ok" for shop in shops)
    other.write_text(sound)
    told = push(program, *both, code=0)
    assert (told["hidden"]["changed"], told["other"]["changed"]) == (False, True)


def test_one_is_away_and_the_other_is_pushed(shops: tuple[Pushing, Pushing], program: Freehold) -> None:
    away = program.home / "environments/away.toml"
    away.write_text('[server]\nhost = "127.0.0.1"\nport = 1\nuser = "root"\n')
    edit(shops, "Third.")
    told = push(program, "-E", "away", "-E", "hidden", code=5)
    error = told["away"]["error"]
    assert isinstance(error, dict)
    assert (error["code"], told["away"]["changed"]) == ("unreachable", False)
    assert "away cannot be reached" in error["message"]
    assert (told["hidden"]["error"], told["hidden"]["changed"]) == (None, True)
    assert told["hidden"]["release"] == shops[0].current
