"""A project's folder that is a link, which a push lets lead to the next release: as on a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from freehold.project.load import load_project
from freehold.runtime.revisions import Revisions
from freehold.scheduler.changes import FileChanges, What
from freehold.scheduler.edition import Composer, Edition
from freehold.server.release import RECORD_FILE, ReleaseRecord
from tests.support.folders import AGENT, SKILL, one_agent, write_files

PATIENCE_S = 20.0
BROKEN = {"agents/dev/config.toml": "timeout = 'soon'\n"}


class Placed:
    """Releases beside each other, and `current`, which leads to one of them."""

    def __init__(self, folder: Path) -> None:
        self.base = folder / "shop"
        self.current = self.base / "current"
        self.home = folder / "home"
        self.composer = Composer(self.current, self.home, "", Revisions(folder / "state"))
        self.edition: Edition | None = None

    def release(self, release_id: str, files: dict[str, str] | None = None) -> Path:
        record = ReleaseRecord(
            id=release_id, project="shop", content="", program="", pushed_at="", pushed_by="", version="1"
        )
        whole = {**one_agent(), RECORD_FILE: msgspec.json.encode(record).decode(), **(files or {})}
        return write_files(self.base / "releases" / release_id, whole)

    def switch(self, release_id: str) -> None:
        """In one step, as a push does."""
        beside = self.base / f".current-{threading.get_ident()}"
        beside.symlink_to(f"releases/{release_id}")
        beside.replace(self.current)

    def look(self) -> Edition:
        self.edition = self.composer.compose(self.edition, time.time_ns())
        return self.edition

    @contextmanager
    def switching(self, *release_ids: str) -> Iterator[None]:
        """From one to the next and back, all the time."""
        over = threading.Event()

        def switch_on() -> None:
            while not over.is_set():
                for release_id in release_ids:
                    self.switch(release_id)

        thread = threading.Thread(target=switch_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    made = Placed(tmp_path)
    made.release("one")
    made.switch("one")
    return made


def test_the_next_release_is_taken_over(placed: Placed) -> None:
    assert (placed.look().release, placed.look().refused) == ("one", [])
    placed.release("two", {"agents/dev/SKILL.md": SKILL.replace("Do something.", "Do it well.")})
    placed.switch("two")
    edition = placed.look()
    assert (edition.release, edition.refused) == ("two", [])
    assert "Do it well." in edition.project.agent("dev").skill_body


def test_a_release_with_the_same_files_is_another_release_and_the_same_revision(placed: Placed) -> None:
    before = placed.look()
    placed.release("two")
    placed.switch("two")
    after = placed.look()
    assert (after.release, after.chosen) == ("two", before.chosen)
    assert placed.look() is after, "it is looked at once"


@pytest.mark.parametrize(
    ("files", "said"), [(BROKEN, "agents/dev/config.toml: timeout"), ({"config.toml": "models ="}, "config.toml")]
)
def test_a_broken_release_says_so_and_the_one_before_goes_on(placed: Placed, files: dict[str, str], said: str) -> None:
    good = placed.look()
    placed.release("two", files)
    placed.switch("two")
    edition = placed.look()
    assert edition.release == "two"
    assert said in "".join(edition.refused)
    assert edition.project.agent("dev").timeout_s == good.project.agent("dev").timeout_s
    placed.switch("one")
    back = placed.look()
    assert (back.release, back.refused, back.chosen) == ("one", [], good.chosen)


def test_a_service_that_begins_with_a_broken_release_goes_on_with_what_was_sound(placed: Placed) -> None:
    good = placed.look()
    placed.release("two", BROKEN)
    placed.switch("two")
    again = Composer(placed.current, placed.home, "", Revisions(placed.home.parent / "state"))
    edition = again.compose(again.restore(), time.time_ns())
    assert edition.release == "two"
    assert len(edition.refused) == 1
    assert edition.revision_of("dev") == good.revision_of("dev")


def test_two_releases_are_never_mixed(placed: Placed) -> None:
    """Each has files that say which it is; there are enough of them for a switch in the middle of a look."""
    manifests = {}
    for release_id in ("one", "two"):
        marks = {f"agents/dev/part-{number}.txt": release_id for number in range(60)}
        placed.release(release_id, {**marks, "shared/which.txt": release_id})
        placed.switch(release_id)
        manifests[release_id] = placed.look().manifest
    assert manifests["one"] != manifests["two"]
    with placed.switching("one", "two"):
        for _ in range(60):
            edition = placed.look()
            assert edition.manifest == manifests[edition.release]
            assert edition.refused == []


def test_a_project_is_loaded_from_one_release(placed: Placed) -> None:
    for release_id, timeout_s in (("one", 100), ("two", 200)):
        config = f'{AGENT}timeout = {timeout_s}\nschedule = "0 0 1 1 *"\n'
        agents = {f"agents/a{number}/SKILL.md": SKILL for number in range(20)}
        agents |= {f"agents/a{number}/config.toml": config for number in range(20)}
        placed.release(release_id, agents)
    with placed.switching("one", "two"):
        for _ in range(20):
            project = load_project(placed.current, home=placed.home)
            timeouts = {agent.timeout_s for name, agent in project.agents.items() if name != "dev"}
            assert len(timeouts) == 1
            assert project.files == placed.base / "releases" / {100: "one", 200: "two"}[timeouts.pop()]


async def test_a_switch_is_noticed(placed: Placed) -> None:
    placed.release("two")
    async with FileChanges(placed.current, placed.home) as changes:
        while await changes.next(2.0):  # until all that was said of the beginning is heard
            pass
        started = time.monotonic()
        placed.switch("two")
        assert What.FILES in await changes.next(PATIENCE_S)
        assert time.monotonic() - started < PATIENCE_S


async def test_a_switch_is_noticed_at_once_when_somebody_asks(placed: Placed) -> None:
    placed.release("two")
    async with FileChanges(placed.current, placed.home) as changes:
        changes.look()
        assert not await changes.next(0.0)
        placed.switch("two")
        changes.look()
        assert await changes.next(0.0) == {What.FILES}
        changes.look()
        assert not await changes.next(0.0)


async def test_what_is_edited_behind_the_link_after_a_switch_is_noticed(placed: Placed) -> None:
    where = placed.release("two")
    async with FileChanges(placed.current, placed.home) as changes:
        placed.switch("two")
        while await changes.next(3.0):
            pass
        write_files(where, {"config.toml": "historyRetentionDays = 3\n"})
        assert What.FILES in await changes.next(PATIENCE_S)
        while await changes.next(1.0):
            pass
        write_files(where, BROKEN)
        assert What.FILES in await changes.next(PATIENCE_S)
