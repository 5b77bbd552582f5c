"""Edits while a service runs real runs: each run has one whole, sound version, whatever was edited when."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from freehold.base.errors import Code
from freehold.gateway.project_service import ProjectService, open_service
from freehold.runtime.revisions import Revisions
from freehold.scheduler.edition import Composer
from freehold.scheduler.intake import NewTrigger
from freehold.store import run_index, triggers
from freehold.store.triggers import TriggerState
from freehold.wire.runs import RunView, TriggerType
from tests.support.installation import ROOT, Installation

pytestmark = pytest.mark.docker

PATIENCE_S = 60.0


async def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.02)


class Served:
    """A project's service, in this process, with its real keeper."""

    def __init__(self, service: ProjectService) -> None:
        self.service = service
        self.scheduler = service.scheduler

    async def ask(self, agent: str = "dev") -> str:
        taken = await self.scheduler.intake.take(NewTrigger(agent, TriggerType.MANUAL, source="test"))
        return taken.trigger.id

    async def end_of(self, trigger_id: str) -> RunView:
        """The final attempt of a trigger, once there is one."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            trigger = await self.service.database.read(lambda c: triggers.find(c, trigger_id))
            assert trigger is not None
            if trigger.state is TriggerState.DONE:
                view = await self.service.database.read(lambda c, run_id=trigger.run_id: run_index.find(c, run_id))  # type: ignore[misc]
                assert view is not None
                return view
            assert time.monotonic() < deadline, trigger
            await asyncio.sleep(0.05)

    async def says(self, agent: str = "dev") -> str | None:
        """What a run of the agent returns now."""
        view = await self.end_of(await self.ask(agent))
        assert view.result == "completed", view
        return view.return_value

    async def edited(self, edit: Callable[[], object]) -> None:
        """Edit, and wait until the watching service has looked at it."""
        before = self.scheduler.agents.edition
        edit()
        await until(lambda: self.scheduler.agents.edition is not before)

    def error(self, agent: str = "dev") -> str:
        error = self.scheduler.agents.errors.get(agent)
        return error.message if error else ""


@pytest.fixture
async def served(here: Installation) -> AsyncIterator[Served]:
    here.agent(script="fh return one\n")
    async with open_service(here.project, here.home) as service:
        yield Served(service)


async def test_an_edit_in_the_middle_of_a_queue(here: Installation, served: Served) -> None:
    here.agent("slow", script="while [ ! -e /app/static/shared/go ]; do sleep 0.1; done; fh return one\n")
    await until(lambda: "slow" in served.scheduler.agents.project.agents)
    first, second = await served.ask("slow"), await served.ask("slow")
    await until(lambda: bool(served.scheduler.dispatcher.active))
    await served.edited(lambda: here.agent("slow", script="fh return two\n"))
    [running] = served.scheduler.dispatcher.active
    await served.service.keeper.kill(running, "enough")
    assert (await served.end_of(first)).result == "killed"
    assert (await served.end_of(second)).return_value == "two"


async def test_a_broken_edit_leaves_the_version_before_at_work(here: Installation, served: Served) -> None:
    config = here.project / "agents/dev/config.toml"
    good = config.read_text()

    def break_it() -> None:
        here.agent(script="fh return two\n")
        config.write_text("timeout = 'soon'\n")

    await served.edited(break_it)
    assert "agents/dev/config.toml: timeout" in served.error()
    assert await served.says() == "one"
    await served.edited(lambda: config.write_text(good))
    assert served.error() == ""
    assert await served.says() == "two"


async def test_a_file_that_is_half_written(here: Installation, served: Served) -> None:
    path = here.project / "config.toml"
    whole = path.read_text() + "maxReruns = 5\n"
    with path.open("w") as file:
        for piece in (whole[:20], whole[20:-6]):
            file.write(piece)
            file.flush()
            await asyncio.sleep(0.4)
        assert await served.says() == "one"
        assert served.scheduler.agents.project.config.max_reruns != 5
        file.write(whole[-6:])
    # The keys of a project stand before its tables.
    path.write_text("maxReruns = 5\n" + path.read_text().replace("maxReruns = 5\n", ""))
    await until(lambda: served.scheduler.agents.project.config.max_reruns == 5)
    assert served.scheduler.agents.project_error is None


def _over(path: Path, text: str) -> None:
    """As vim and many others: a new file takes the place of the old one."""
    new = path.with_name(f".{path.name}.swp")
    new.write_text(text)
    new.chmod(path.stat().st_mode)
    new.rename(path)


def _backup(path: Path, text: str) -> None:
    """As emacs: the old file is moved away, and a new one is written."""
    mode = path.stat().st_mode
    path.rename(path.with_name(f"{path.name}~"))
    path.write_text(text)
    path.chmod(mode)


def _in_place(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize("save", [_over, _backup, _in_place])
async def test_ways_to_save(here: Installation, served: Served, save: Callable[[Path, str], None]) -> None:
    script = here.project / "agents/dev/test-script.sh"
    for word in ("two", "three"):
        text = f"#!/bin/bash\nfh return {word}\n"
        await served.edited(lambda text=text: save(script, text))  # type: ignore[misc]
        assert await served.says() == word


async def test_a_branch_is_checked_out(here: Installation, served: Served) -> None:
    def git(*words: str) -> None:
        command = ["git", "-C", str(here.project), "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
        subprocess.run(command, check=True, capture_output=True)

    for number in range(20):
        here.agent(f"a{number}", script="fh return main\n")
    (here.project / ".gitignore").write_text(".freehold\n")
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message=one")
    git("checkout", "--quiet", "-b", "other")
    shutil.rmtree(here.project / "agents")
    here.agent("b", script="fh return other\n")
    git("add", "--all")
    git("commit", "--quiet", "--message=two")
    await until(lambda: set(served.scheduler.agents.project.agents) == {"b"})
    assert await served.says("b") == "other"
    git("checkout", "--quiet", "main")
    await until(lambda: len(served.scheduler.agents.project.agents) == 21)
    assert await served.says("a7") == "main"
    git("checkout", "--quiet", "other")
    await until(lambda: set(served.scheduler.agents.project.agents) == {"b"})
    assert served.scheduler.agents.errors == {}


async def test_an_agent_is_removed_and_comes_back(here: Installation, served: Served) -> None:
    here.agent("slow", script="sleep 3; fh return done\n")
    await until(lambda: "slow" in served.scheduler.agents.project.agents)
    first, second = await served.ask("slow"), await served.ask("slow")
    await until(lambda: bool(served.scheduler.dispatcher.active))
    folder = here.project / "agents/slow"
    await served.edited(lambda: shutil.move(folder, here.project / "slow"))
    assert (await served.end_of(first)).return_value == "done"
    assert served.scheduler.dispatcher.queues.length("slow") == 1
    await served.edited(lambda: shutil.move(here.project / "slow", folder))
    assert (await served.end_of(second)).return_value == "done"


async def test_a_credential_lets_a_run_begin(here: Installation, served: Served) -> None:
    here.agent(
        "keyed", script="fh return $(cat /credentials/github_token/default/token)\n", credentials=["github_token"]
    )
    await until(lambda: "keyed" in served.scheduler.agents.project.agents)
    trigger = await served.ask("keyed")
    now = served.service.clock.now
    await until(lambda: served.scheduler.agents.held("keyed", now()) is not None)
    here.freehold("creds", "add", "github_token", "--field", "token=ghp_0123456789canary")
    await until(lambda: served.scheduler.agents.held("keyed", now()) is None)
    assert (await served.end_of(trigger)).result == "completed"


async def test_old_revisions_go_and_those_of_runs_stay(here: Installation, served: Served) -> None:
    here.agent("slow", script="exec sleep 100\n")
    await until(lambda: "slow" in served.scheduler.agents.project.agents)
    await served.ask("slow")
    await until(lambda: bool(served.scheduler.dispatcher.active))
    used = here.record(next(iter(served.scheduler.dispatcher.active))).start.options.revision
    for word in ("two", "three", "four", "five", "six"):
        await served.edited(lambda word=word: here.agent(script=f"fh return {word}\n"))  # type: ignore[misc]
    assert await served.says() == "six"
    folder = Revisions(here.state).folder
    await until(lambda: len([path for path in folder.iterdir() if path.is_dir()]) <= 4)
    assert (folder / used / "revision.json").exists()
    for run_id in list(served.scheduler.dispatcher.active):
        await served.service.keeper.kill(run_id, "enough")


async def test_runs_by_hand_are_listed_once_a_service_is_there(here: Installation) -> None:
    here.agent(script="fh return one\n")
    ended = [here.run("dev")[0].run_id for _ in range(3)]
    async with open_service(here.project, here.home) as service:

        async def listed() -> set[str]:
            return {view.run_id for view in await service.database.read(run_index.page)}

        while await listed() != set(ended):
            await asyncio.sleep(0.05)


async def test_files_of_old_runs_go(here: Installation) -> None:
    here.agent(script="fh return one\n")
    here.run("dev")
    config = here.project / "config.toml"
    config.write_text("historyRetentionDays = 0\n" + config.read_text())
    async with open_service(here.project, here.home):
        await until(lambda: here.run_ids() == [])


@pytest.fixture
def small_disk(here: Installation) -> Iterator[Path]:
    """The revisions lie on a disk of half a MB."""
    here.make_state()
    folder = here.state / "revisions"
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", str(folder)], check=True)
    yield folder
    here.stop_keeper()
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.root
async def test_a_disk_without_room_leaves_the_version_before_at_work(here: Installation, small_disk: Path) -> None:
    here.agent(script="fh return one\n")
    async with open_service(here.project, here.home) as service:
        served = Served(service)
        data = here.project / "agents/dev/data"
        await served.edited(lambda: (data.write_bytes(os.urandom(600_000)), here.agent(script="fh return two\n")))
        error = served.scheduler.agents.project_error
        assert error is not None
        assert error.code is Code.DISK
        assert await served.says() == "one"
        assert not (small_disk / ".aside").exists()
        await served.edited(data.unlink)
        assert served.scheduler.agents.project_error is None
        assert await served.says() == "two"


def test_a_process_killed_in_the_middle_of_a_snapshot(here: Installation) -> None:
    """Wherever it is killed, the next one has the version before, or the whole new one."""
    for number in range(150):
        here.agent(f"a{number}", script="fh return one\n")
    revisions = Revisions(here.state)
    here.make_state()
    composer = Composer(here.project, here.home, "", revisions)
    before = composer.compose(None, time.time_ns())
    assert before.chosen is not None
    program = (
        "import sys, time; from pathlib import Path;"
        "from freehold.runtime.revisions import Revisions; from freehold.scheduler.edition import Composer;"
        "c = Composer(Path(sys.argv[1]), Path(sys.argv[2]), '', Revisions(Path(sys.argv[1], '.freehold')));"
        "e = c.restore(); print('ready', flush=True); c.compose(e, time.time_ns())"
    )
    seen = set()
    for attempt in range(12):
        (here.project / "agents/a0/SKILL.md").write_text(f"---\ndescription: A test agent.\n---\n{attempt}\n")
        command = [sys.executable, "-c", program, str(here.project), str(here.home)]
        environment = {**here.environment, "PYTHONPATH": f"{ROOT}/src"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.015 * attempt)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        after = Composer(here.project, here.home, "", Revisions(here.state)).restore()
        assert after is not None
        seen.add(after.project.agents["a0"].skill_body)
        assert len(after.project.agents) == 150
    whole = Composer(here.project, here.home, "", revisions)
    assert whole.compose(whole.restore(), time.time_ns()).project.agents["a0"].skill_body.strip() == "11"
    assert seen
