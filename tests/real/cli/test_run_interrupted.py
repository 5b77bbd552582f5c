"""Commands come and go, runs stay: Ctrl-C, a closed terminal, a reader that leaves, a run that nobody watches."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.wire.events import Status
from freehold.wire.runs import RunState
from tests.support.installation import Installation, finished, printed, until
from tests.support.program import PROGRAM

pytestmark = pytest.mark.docker

STUBBORN = "trap '' TERM INT\nfh status working\nwhile true; do sleep 1; done\n"
BRIEF = "fh status working\nsleep 1.5\nfor n in $(seq 2000); do echo line $n; done\nfh return 42\n"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.close()


def working(here: Installation) -> str:
    """The run, once it says that it works."""
    until(lambda: any(isinstance(event, Status) for run_id in here.run_ids() for event in here.events(run_id)))
    [run_id] = here.run_ids()
    return run_id


def ended(here: Installation, run_id: str) -> str:
    until(lambda: here.record(run_id).view.state is RunState.FINISHED)
    return str(here.record(run_id).view.result)


def test_ctrl_c_ends_the_run(here: Installation) -> None:
    here.agent(script="fh status working\nsleep 100\n")
    running = here.start("run", "dev", "--json")
    run_id = working(here)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "stopping the run" in err
    end = finished(printed(out))
    assert (end.result, end.error["message"]) == ("killed", "interrupted with Ctrl-C")
    assert ended(here, run_id) == "killed"


def test_ctrl_c_twice_does_not_wait(here: Installation) -> None:
    here.agent(script=STUBBORN)
    running = here.start("run", "dev", "--json")
    run_id = working(here)
    running.send_signal(signal.SIGINT)
    assert running.stderr is not None
    assert "stopping the run" in running.stderr.readline()
    until(lambda: here.record(run_id).stop is not None)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"freehold logs -f {run_id}" in err
    assert "Traceback" not in err
    assert here.record(run_id).view.state is RunState.RUNNING, "it was left before the run had ended"
    assert ended(here, run_id) == "killed"


def test_ctrl_c_before_the_run_has_begun(here: Installation) -> None:
    here.agent(script="sleep 100\n")
    keeper = here.mortal_keeper("nowhere")
    keeper.send_signal(signal.SIGSTOP)
    running = here.start("run", "dev")
    until(lambda: _waits(running.pid))
    running.send_signal(signal.SIGINT)
    keeper.send_signal(signal.SIGCONT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    until(lambda: all(here.record(run_id).view.state is RunState.FINISHED for run_id in here.run_ids()))
    here.stop_keeper()
    assert keeper.wait(20) == 0
    assert [here.record(run_id).view.result for run_id in here.run_ids()] in ([], ["killed"])


def test_a_command_that_is_killed_leaves_its_run_alone(here: Installation) -> None:
    here.agent(script=BRIEF)
    running = here.start("run", "dev")
    run_id = working(here)
    running.kill()
    running.communicate(timeout=60)
    assert ended(here, run_id) == "completed"


@pytest.mark.parametrize("form", [["--json"], []], ids=["json", "text"])
def test_a_reader_that_leaves_is_no_error(here: Installation, form: list[str]) -> None:
    here.agent(script=BRIEF)
    words = [str(PROGRAM), "-p", str(here.project), "run", "dev", *form]
    piped = " ".join(words) + " | head -n 2"
    done = subprocess.run(["bash", "-c", piped], env=here.environment, capture_output=True, text=True, timeout=60)
    assert len(done.stdout.splitlines()) == 2
    [run_id] = here.run_ids()
    assert done.stderr == f"nobody reads this any more; the run goes on; follow it with: freehold logs -f {run_id}\n"
    assert ended(here, run_id) == "completed"


def test_a_run_that_nobody_watches_is_followed_later_and_killed(here: Installation) -> None:
    here.agent(script="fh status working\nsleep 100\n")
    run_id = here.freehold("run", "dev", "--detach").stdout.strip()
    assert working(here) == run_id
    following = here.start("logs", "--follow", "--json", run_id[-8:])
    assert f"{run_id}: stopping" in here.freehold("kill", "dev", "--reason", "seen enough").stdout
    out, _ = following.communicate(timeout=60)
    assert following.returncode == 1
    assert finished(printed(out)).error["message"] == "seen enough"
    assert here.freehold("logs", run_id, "--json").stdout == out
    assert here.freehold("kill", run_id).stdout == f"{run_id}: killed\n"
    assert "no run" in here.freehold("kill", "dev", code=1).stderr


def _waits(pid: int) -> bool:
    """Whether a process has connected to its keeper."""
    try:
        return any("socket" in str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # one was closed meanwhile
        return False
