"""SIGKILL of the keeper at every step of a run: a new one takes over, and nothing is lost, doubled or left behind."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from freehold.keeper.adopt import MOST_ADOPTIONS
from freehold.keeper.record import Moment, Step
from freehold.wire.events import AnyEvent, HookOutput
from tests.support.installation import Installation, finished, printed, types, until

pytestmark = pytest.mark.docker

SCRIPT = 'echo hello $GITHUB_TOKEN\nfh status working\nfh return "$(wc -c < /credentials/github_token/default/token)"\n'
CANARY = "ghp_0123456789canary"


def outlives(here: Installation, where: str) -> list[AnyEvent]:
    """The keeper dies while a command follows the run; a new one is started, and the run completes."""
    here.agent(script=SCRIPT, credentials=["github_token"])
    here.freehold("creds", "add", "github_token", "--field", f"token={CANARY}")
    keeper = here.mortal_keeper(where)
    told = here.run("dev")
    assert keeper.wait(10) == -signal.SIGKILL
    end = finished(told)
    assert (end.result, end.exit_code, end.return_value) == ("completed", 0, str(len(CANARY)))
    assert types(told).count("run.started") == types(told).count("status") == types(told).count("return") == 1
    said = [event.text.split()[0] for event in told if isinstance(event, HookOutput) and event.text]
    assert said[0] == "hello"
    assert CANARY not in str(told)
    return told


def is_stopped(here: Installation, where: str) -> list[AnyEvent]:
    """The keeper dies while it ends a run that a person killed; the run is ended all the same, with the same reason."""
    here.agent(script="exec sleep 100\n")
    keeper = here.mortal_keeper(where)
    following = here.start("run", "dev", "--json")
    until(
        lambda: any(here.events(run_id)[-1:] and "session" in str(here.events(run_id)[-1]) for run_id in here.run_ids())
    )
    here.freehold("kill", "dev", "--reason", "enough")
    out, err = following.communicate(timeout=60)
    assert (keeper.wait(10), following.returncode) == (-signal.SIGKILL, 1), err
    told = printed(out)
    end = finished(told)
    assert (end.result, end.exit_code) == ("killed", 137)
    return told


CASES: dict[Step, Callable[[Installation, str], list[AnyEvent]]] = {
    Step.QUEUED: outlives,
    Step.IMAGE: outlives,
    Step.CREDENTIALS: outlives,
    Step.DIRECTORY: outlives,
    Step.SOCKET: outlives,
    Step.CONTAINER: outlives,
    Step.RUNNING: outlives,
    Step.STOPPING: is_stopped,
    Step.FINISHED: outlives,
    Step.CLEANED: outlives,
}


def test_every_step_has_a_fault_case() -> None:
    assert set(CASES) == set(Step)


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("step", CASES)
def test_the_keeper_is_killed_around_a_step(here: Installation, step: Step, moment: Moment) -> None:
    told = CASES[step](here, f"{moment}:{step}")
    nothing_is_left(here, told)


def test_the_keeper_is_killed_when_the_container_has_ended(here: Installation) -> None:
    nothing_is_left(here, outlives(here, "ended"))


def test_the_keeper_is_killed_while_an_image_is_built(here: Installation) -> None:
    folder = here.agent(script=SCRIPT)
    (folder / "Dockerfile").write_text(f"FROM freehold-agent\nRUN echo {here.unique_name} > /tmp/x\n")
    nothing_is_left(here, outlives(here, "building"))
    here.freehold("image", "prune", "--yes", code=None)


def test_a_run_that_kills_every_keeper_is_given_up(here: Installation) -> None:
    here.agent(script="exec sleep 100\n")
    keeper = here.mortal_keeper("watching")
    here.freehold("run", "dev", "--detach", code=None)
    for _ in range(MOST_ADOPTIONS):
        assert keeper.wait(20) == -signal.SIGKILL
        keeper = here.mortal_keeper("watching")
    assert keeper.wait(20) == -signal.SIGKILL
    [run_id] = here.run_ids()
    told = printed(here.freehold("logs", "--follow", "--json", code=1).stdout)
    end = finished(told).outcome()
    assert end.result == "lost"
    assert end.error is not None
    assert f"{MOST_ADOPTIONS + 1} keepers" in end.error.message
    assert here.record(run_id).adoptions == MOST_ADOPTIONS + 1
    nothing_is_left(here, told)


def nothing_is_left(here: Installation, told: list[AnyEvent]) -> None:
    """What was printed is what is kept; container, credentials and scratch are gone."""
    [run_id] = here.run_ids()
    here.freehold("logs", "--follow", run_id, code=None)  # so that there is a keeper
    until(lambda: here.record(run_id).step is Step.CLEANED)
    until(lambda: not list((here.state / "active").iterdir()))
    assert here.events(run_id) == told
    assert here.record(run_id).view.result == finished(told).result
    folder = here.state / "runs" / run_id
    left = {path.name for path in folder.iterdir()} - {"left.json"}  # where it came so far
    assert left == {"events.jsonl", "run.json"}
    until(lambda: here.containers == [])
    assert here.staged_secrets == []
