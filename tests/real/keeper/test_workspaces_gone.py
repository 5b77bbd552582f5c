"""`freehold doctor` and what agents leave behind that are gone, from the command line to Docker."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from freehold.base.ids import new_run_id
from freehold.client.keeper import ask
from freehold.keeper.record import Step
from freehold.wire.events import Status
from freehold.wire.runs import Result, RunOptions, RunView, StartRun, Trigger, TriggerType
from tests.support.installation import Installation, finished, until


def warnings(here: Installation) -> list[dict[str, object]]:
    findings = json.loads(here.freehold("doctor", "--json", code=None).stdout)["findings"]
    return [finding for finding in findings if finding["subject"] == "workspaces"]


def volumes(here: Installation) -> list[str]:
    return here.docker("volume", "ls", "--quiet")


@pytest.mark.docker
def test_doctor_names_what_is_left_and_removes_it_when_told_to(here: Installation) -> None:
    here.agent("keeps", script="echo kept > $FREEHOLD_WORKSPACE/note\n")
    here.agent("old", script="echo kept > $FREEHOLD_WORKSPACE/note\n")
    here.run("keeps")
    here.run("old")
    assert warnings(here) == []
    shutil.rmtree(here.project / "agents" / "old")
    [warning] = warnings(here)
    left = f"fh-{here.unique_name}-old-0"
    message = str(warning["message"])
    assert message.startswith('there is no agent "old" any more, and what it kept is still there:\n')
    assert f"{left} (docker, " in message
    assert warning["fixable"] is True
    refused = here.freehold("doctor", "--fix", "--no-input", code=2)
    assert "Remove 1 workspace with everything in it?" in refused.stderr
    assert left in volumes(here)
    here.freehold("doctor", "--fix", "--yes", code=None)
    assert volumes(here) == [f"fh-{here.unique_name}-keeps-0"]
    assert list(here.state.glob("workspaces/*old*")) == []
    assert warnings(here) == []
    here.agent("keeps", script="fh return $(cat $FREEHOLD_WORKSPACE/note)\n")
    assert finished(here.run("keeps")).return_value == "kept"


@pytest.mark.docker
def test_what_a_run_has_is_not_removed(here: Installation) -> None:
    here.agent("old", script="fh status working\nsleep 100\n")
    running = here.start("run", "old", "--json")
    until(lambda: any(isinstance(event, Status) for run_id in here.run_ids() for event in here.events(run_id)))
    shutil.rmtree(here.project / "agents" / "old")
    [warning] = warnings(here)
    assert "in use by a run" in str(warning["message"])
    assert warning["fixable"] is False
    here.freehold("doctor", "--fix", "--yes", code=None)
    assert volumes(here) == [f"fh-{here.unique_name}-old-0"]
    assert len(here.running_containers) == 1
    here.freehold("kill", "old")
    running.communicate()


@pytest.mark.docker
@pytest.mark.root
def test_what_another_user_of_the_host_kept_is_found_and_removed_too(here: Installation) -> None:
    """As root, which can lend a user; and with no agent left that would want one made."""
    here.agent("old", script="echo kept > $FREEHOLD_WORKSPACE/note\n", runtime={"type": "host-user"})
    run = StartRun(new_run_id("old"), "old", Trigger(TriggerType.MANUAL), options=RunOptions(as_caller=True))
    asyncio.run(ask(here.project, here.home, "run/start", run, RunView))
    until(lambda: here.record(run.run_id).step is Step.CLEANED)
    assert here.record(run.run_id).view.result is Result.COMPLETED
    shutil.rmtree(here.project / "agents" / "old")
    [warning] = warnings(here)
    place = re.search(r"^(/\S+) \(host-user, (.+)\)$", str(warning["message"]), re.MULTILINE)
    assert place is not None, warning
    assert Path(place[1], "workspace", "note").read_text() == "kept\n"
    assert place[2] != "size unknown"
    here.freehold("doctor", "--fix", "--yes", code=None)
    assert not Path(place[1]).exists()
    assert warnings(here) == []


@pytest.mark.docker
def test_doctor_starts_no_keeper_where_nothing_ever_ran(here: Installation) -> None:
    here.agent()
    assert warnings(here) == []
    assert not here.state.exists()
