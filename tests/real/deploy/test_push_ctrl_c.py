"""A person at a terminal during a push, or a rollback: what is seen after Ctrl-C, what serves meanwhile, and that the
next one repairs; and what is asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.support.program import Freehold
from tests.support.pushing import WITHOUT_IMAGE, Pushing, project, typed_in
from tests.support.sandbox import SandboxServer
from tests.support.terminal import Typist

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

CTRL_C = "\x03"
_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def shop(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Pushing:
    return project(sandbox, tmp_path_factory.mktemp("ctrl-c"), "ctrl-c", **WITHOUT_IMAGE)


@pytest.fixture(scope="module")
def program(shop: Pushing) -> Freehold:
    return typed_in(shop)


@pytest.fixture
def was(shop: Pushing, program: Freehold) -> str:
    """The release that counts, before something is edited."""
    assert program("push", "-E", "hidden").returncode == 0
    return shop.current


def edit(shop: Pushing, text: str) -> None:
    shop.write(**{"agents/hello/SKILL.md": f"---\ndescription: {text}\n---\n{text}\n"})


def pushing(shop: Pushing, environment: str = "hidden") -> Typist:
    return Typist(["push", "-E", environment], home=shop.sandbox.home, folder=shop.root, columns=200)


def repaired(shop: Pushing, program: Freehold) -> bool:
    """By one push more; and the one after that has nothing to do."""
    again = program("push", "-E", "hidden", "--json")
    assert again.returncode == 0, again.stderr
    health = json.loads(shop.health)
    assert (health["status"], health["release"]) == ("ok", shop.current)
    assert json.loads(again.stdout)["environments"][0]["release"] == shop.current
    once_more = json.loads(program("push", "-E", "hidden", "--json").stdout)["environments"][0]
    return shop.half == "" and not once_more["changed"]


def test_while_it_switches(shop: Pushing, program: Freehold, was: str) -> None:
    edit(shop, "Switched.")
    guard = f"{shop.layout.root}/guard.py"
    shop.says(f"rm -f {guard}; mkfifo {guard}")  # nobody reads it: who opens it to write goes no further
    person = pushing(shop)
    person.wait_for("switching ...")
    person.type(CTRL_C)
    code, shown = person.end()
    shop.says(f"rm {guard}")
    assert code == 130, shown
    assert f"Unless it is well, the server goes back to {was} by itself within some two minutes" in shown
    assert "the same push again does what is left" in shown
    assert shown.rstrip().endswith("interrupted")
    assert shop.current == was
    assert shop.answers
    assert repaired(shop, program)
    assert shop.current != was


@contextlib.contextmanager
def slow_start(shop: Pushing) -> Iterator[None]:
    """Its service is to be started anew, and takes a quarter of an hour."""
    drop_in = f"/etc/systemd/system/{shop.layout.service}.d"
    shop.says(f"mkdir -p {drop_in}; printf '[Service]\\nExecStartPre=/bin/sleep 1000\\n' > {drop_in}/slow.conf; "
              f"systemctl daemon-reload; rm {shop.layout.root}/started.json")  # fmt: skip
    try:
        yield
    finally:
        shop.says(f"rm -r {drop_in}; systemctl daemon-reload")


async def interrupted_while_it_starts(shop: Pushing, person: Typist) -> str:
    """What was shown."""
    person.wait_for("starting services ...")
    state = f"systemctl show --property=SubState --value {shop.layout.service}"
    async with asyncio.timeout(_WITHIN_S):
        while shop.says(state) != "start-pre":
            await asyncio.sleep(0.2)
    person.type(CTRL_C)
    code, shown = person.end()
    assert code == 130, shown
    return shown


async def test_while_services_are_started(shop: Pushing, program: Freehold, was: str) -> None:
    edit(shop, "Started.")
    with slow_start(shop):
        shown = await interrupted_while_it_starts(shop, pushing(shop))
    assert f"the server goes back to {was} by itself" in shown
    assert shop.current != was
    assert repaired(shop, program)
    assert shop.current != was


async def test_of_a_rollback(shop: Pushing, program: Freehold, was: str) -> None:
    """Typed once more as it was, it would go back once more: the release is to be named."""
    edit(shop, "Not wanted.")
    assert program("push", "-E", "hidden").returncode == 0
    with slow_start(shop):
        words = ["rollback", "-E", "hidden", "--yes"]
        person = Typist(words, home=shop.sandbox.home, folder=shop.root, columns=200)
        shown = await interrupted_while_it_starts(shop, person)
    assert "`freehold releases -E hidden` lists them" in shown
    assert "freehold rollback RELEASE -E hidden" in shown
    done = program("rollback", was, "-E", "hidden", "--yes")
    assert done.returncode == 0, done.stderr
    health = json.loads(shop.health)
    assert (shop.current, health["release"], health["status"]) == (was, was, "ok")


def test_before_anything_counts(shop: Pushing, program: Freehold, was: str) -> None:
    edit(shop, "Never there.")
    person = pushing(shop)
    person.wait_for("asking the server")
    person.type(CTRL_C)
    code, shown = person.end()
    assert code == 130, shown
    assert shop.current == was
    assert repaired(shop, program)


def test_at_a_question(shop: Pushing, program: Freehold, was: str) -> None:
    """Nobody has to answer it before the command ends, and the next one finds nobody in its way."""
    folder = shop.sandbox.home / "environments"
    text = (folder / "hidden.toml").read_text()
    (folder / "mine.toml").write_text(text.replace('provider = "sandbox"', 'provider = "existing"'))
    shop.says("rm /etc/systemd/journald.conf.d/50-freehold.conf")
    person = pushing(shop, "mine")
    person.wait_for("Go on? [y/N]")
    person.type(CTRL_C)
    code, shown = person.end()
    assert code == 130, shown
    assert shop.says(f"test -e {shop.layout.lease} || echo free") == "free"
    assert shop.current == was
    assert repaired(shop, program)


def test_a_rollback_asks_about_the_release_that_it_leads_to(shop: Pushing, program: Freehold, was: str) -> None:
    edit(shop, "Left again.")
    assert program("push", "-E", "hidden").returncode == 0
    left = shop.current
    for answer, code, counts in (("n\n", 1, left), ("y\n", 0, was)):
        person = Typist(["rollback", "-E", "hidden"], home=shop.sandbox.home, folder=shop.root, columns=200)
        person.wait_for(f"Go back to release {was} of ctrl-c on hidden")
        person.type(answer)
        ended, shown = person.end()
        assert (ended, shop.current) == (code, counts), shown
