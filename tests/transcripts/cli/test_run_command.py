"""`freehold run`: what is told before anything is started."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from freehold.base.ids import new_ulid
from freehold.keeper.history import RUNS
from freehold.project.state import STATE_DIRECTORY
from freehold.wire.events import Log, PhaseStarted, RunQueued
from freehold.wire.runs import Phase, RunState, Trigger
from tests.support.command import freehold
from tests.support.folders import one_agent, write_files
from tests.support.installation import until
from tests.support.program import PROGRAM, Freehold
from tests.support.scripted_keeper import ScriptedKeeper


@pytest.mark.parametrize(("record", "why"), [("nowhere/x.yaml", "there is no folder"), ("agents", "is a folder")])
def test_a_record_that_cannot_be_written_is_told_before_the_run(tmp_path: Path, record: str, why: str) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    answer = freehold("run", "dev", "--record", str(shop / record), home=tmp_path / "home", project=shop)
    assert answer.code == 2
    assert answer.err.startswith(f"error: --record: {shop / record} ")
    assert why in answer.err
    assert not (shop / ".freehold").exists()


def test_a_quiet_run_tells_its_end_alone(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    with ScriptedKeeper(shop).running() as keeper:
        keeper.send(PhaseStarted(phase=Phase.SESSION))
        keeper.send(Log(level="error", text="noise"))
        keeper.finish()
        program = Freehold(shop, tmp_path / "home", {"NO_COLOR": "1"})
        done = program("run", "dev", "-q")
        assert (done.returncode, done.stdout, done.stderr) == (0, "✓ completed in 0.0 s\n", "")
        [line] = program("run", "dev", "-q", "--json").stdout.splitlines()
        assert json.loads(line)["type"] == "run.finished"


def test_whoever_watches_a_run_that_waits_is_told(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    with ScriptedKeeper(shop, RunState.QUEUED).running() as keeper:
        keeper.send(RunQueued(agent="dev", attempt=1, trigger=Trigger()))
        keeper.send(PhaseStarted(phase=Phase.QUEUE))
        watching = subprocess.Popen(
            [str(PROGRAM), "run", "dev"], cwd=shop, env=Freehold(shop, tmp_path / "home").environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert watching.stderr is not None
        assert "it waits until a slot" in watching.stderr.readline()
        keeper.finish()
        watching.communicate(timeout=60)


def test_a_detached_run_is_said_to_be_what_it_is(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    with ScriptedKeeper(shop, RunState.QUEUED).running():
        done = Freehold(shop, tmp_path / "home")("run", "dev", "--detach")
        assert done.stderr == f"queued; follow it with: freehold logs -f {done.stdout}"


def test_a_reader_that_leaves_is_told_how_to_go_on(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    with ScriptedKeeper(shop).running() as keeper:
        watching = subprocess.Popen(
            [str(PROGRAM), "run", "dev"], cwd=shop, env=Freehold(shop, tmp_path / "home").environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        keeper.send(PhaseStarted(phase=Phase.IMAGE))
        assert watching.stdout is not None
        assert watching.stderr is not None
        watching.stdout.readline()
        watching.stdout.close()
        keeper.send(PhaseStarted(phase=Phase.SESSION))
        until(lambda: watching.poll() is not None)
        assert watching.returncode == 141
        said = watching.stderr.read()
        watching.stderr.close()
        assert f"the run goes on; follow it with: freehold logs -f {keeper.asked[0].run_id}" in said


def test_whoever_follows_an_agent_that_never_ran_waits_for_its_first_run(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    with ScriptedKeeper(shop).running() as keeper:
        watching = subprocess.Popen(
            [str(PROGRAM), "logs", "-f", "dev"], cwd=shop, env=Freehold(shop, tmp_path / "home").environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert watching.stderr is not None
        assert watching.stderr.readline() == "Waiting for the first run of dev; Ctrl-C ends that.\n"
        (shop / STATE_DIRECTORY / RUNS / f"dev-{new_ulid()}").mkdir(parents=True)
        keeper.finish()
        said, _ = watching.communicate(timeout=60)
        assert (watching.returncode, said.splitlines()[0]) == (0, "✓ completed in 0.0 s")


def test_nobody_waits_for_an_agent_that_is_not_there(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    answer = freehold("logs", "-f", "dve", home=tmp_path / "home", project=shop)
    assert answer.code == 1
    assert 'no run or agent matches "dve" (did you mean "dev"?)' in answer.err
