"""How runs end that do not go well, from the command line to the container: each with a reason and what to do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from freehold.wire.events import AnyEvent, Status
from freehold.wire.runs import Outcome
from tests.support.fake_keeper import HARNESSES
from tests.support.installation import Installation, finished, printed, types, until

pytestmark = pytest.mark.docker


def outcome(told: list[AnyEvent]) -> Outcome:
    return finished(told).outcome()


def failed(here: Installation, agent: str = "dev") -> Outcome:
    """The outcome of a run that does not complete; its error is there, and says what to do."""
    end = outcome(here.run(agent, code=1))
    assert end.error is not None
    assert end.error.message
    return end


def test_out_of_memory_is_named_with_its_limit_and_the_key_to_raise(here: Installation) -> None:
    (here.project / "config.toml").write_text('[local]\nmemory = "128m"\n')
    here.agent(script="""exec python3 -c 'x = bytearray(1024 ** 3); print(len(x))'\n""")
    end = failed(here)
    assert end.error is not None
    assert (end.result, end.error.code) == ("error", "out_of_memory")
    assert "128.0 MB" in end.error.message
    assert "[local] memory" in end.error.hint


def test_a_tool_that_runs_out_of_memory_does_not_fail_a_run_that_copes(here: Installation) -> None:
    (here.project / "config.toml").write_text('[local]\nmemory = "128m"\n')
    here.agent(script="""python3 -c 'x = bytearray(1024 ** 3)' || fh return "coped with $?"\n""")
    assert outcome(here.run("dev")).return_value == "coped with 137"


def test_a_timeout_ends_whatever_ignores_it(here: Installation) -> None:
    here.agent(script="trap '' TERM INT\nwhile true; do sleep 1; done\n", timeout=3)
    end = failed(here)
    assert end.error is not None
    assert (end.result, end.exit_code, end.error.code) == ("timeout", 124, "timeout")
    assert "timeout = 6" in end.error.hint


@pytest.mark.parametrize("how", [["kill"], ["rm", "--force"], ["stop", "--time", "1"]], ids=lambda how: how[0])
def test_a_container_that_is_ended_from_outside(here: Installation, how: list[str]) -> None:
    here.agent(script="fh status working\nsleep 100\n")
    running = here.start("run", "dev", "--json")
    until(lambda: any(isinstance(event, Status) for run_id in here.run_ids() for event in here.events(run_id)))
    [container] = here.containers
    subprocess.run(["docker", *how, container], check=True, capture_output=True)
    out, _ = running.communicate(timeout=60)
    end = outcome(printed(out))
    assert running.returncode == 1
    assert end.error is not None
    if how[0] == "stop":  # SIGTERM first: the runner ends in order, and says so
        assert (end.result, end.error.message) == ("error", "the run was ended: it was sent SIGTERM")
    else:
        assert (end.result, end.exit_code) == ("killed", 137)
        assert "from outside" in end.error.message
    until(lambda: here.containers == [])


def test_an_image_that_does_not_build_stops_that_agent_alone(here: Installation) -> None:
    broken = here.agent("broken", script="true\n")
    (broken / "Dockerfile").write_text("FROM freehold-agent\nRUN echo this is why >&2 && exit 3\n")
    here.agent("sound", script="fh return fine\n")
    end = failed(here, "broken")
    assert end.error is not None
    assert end.error.code == "image"
    assert "agents/broken/Dockerfile" in end.error.message + end.error.hint
    assert "this is why" in end.error.message
    assert outcome(here.run("sound")).return_value == "fine"


ENDS: list[tuple[str, dict[str, Any]]] = [
    ("fh exit 15; sleep 60", {"result": "error", "exit_code": 15}),
    ("fh exit 10; sleep 60", {"result": "error", "exit_code": 10}),
    ("fh exit 0; sleep 60", {"result": "completed", "exit_code": 0}),
    ("fh shutdown seen a leak; sleep 60", {"result": "killed", "exit_code": 137}),
    ("fh return half; fh rerun", {"result": "rerun", "exit_code": 42, "return_value": "half"}),
    ("fh return one; fh return two", {"result": "completed", "return_value": "two"}),
    ("exit 7", {"result": "error", "exit_code": 7}),
    ("kill -9 $$", {"result": "error", "exit_code": 137}),
    ("fh lock file:///x; fh return $?", {"result": "completed", "return_value": "5"}),
    ("echo c | fh call other; fh return $?", {"result": "completed", "return_value": "5"}),
]  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), ENDS, ids=[script for script, _ in ENDS])
def test_what_a_run_says_of_its_own_end(here: Installation, script: str, expected: dict[str, Any]) -> None:
    here.agent(script=f"{script}\n")
    end = outcome(here.run("dev", code=None))
    assert {name: getattr(end, name) for name in expected} == expected
    assert (end.error is None) == (end.result in ("completed", "rerun"))
    if "leak" in script:
        assert end.error is not None
        assert "seen a leak" in end.error.message


HARNESS_FAULTS = [
    (["crash.py"], "RuntimeError: the harness broke"),
    (["early_exit.py"], "libmodel.so.3"),
    (["no_acp.py", "ends"], "ended by itself (exit code 2)"),
    (["flood_line.py"], "wrote a message of more than 8.0 MB"),
    (["flood_updates.py"], "floods the run with updates"),
    (["endless_garbage.py"], "lines that are no messages"),
    (["closes_output.py"], "closed its output"),
]


@pytest.mark.parametrize(("command", "words"), HARNESS_FAULTS, ids=[" ".join(command) for command, _ in HARNESS_FAULTS])
def test_a_harness_that_misbehaves(here: Installation, command: list[str], words: str) -> None:
    end = failed(_with_harness(here, command))
    assert end.error is not None
    assert (end.result, end.error.code) == ("error", "harness")
    assert words in end.error.message


def test_a_harness_that_hangs_is_ended_by_the_timeout_of_the_run(here: Installation) -> None:
    end = failed(_with_harness(here, ["hang.py"], timeout=4))
    assert (end.result, end.exit_code) == ("timeout", 124)


def test_a_harness_that_is_not_there(here: Installation) -> None:
    here.agent(rehearsal="version: 1\nturns: [{say: Hello.}]\n", harness={"command": ["/nowhere/agent"]})
    end = failed(here)
    assert end.error is not None
    assert "cannot start /nowhere/agent" in end.error.message


def _with_harness(here: Installation, command: list[str], **config: Any) -> Installation:
    """An agent whose harness is one of `tests/harnesses`, which lies in its folder."""
    words = ["python3", f"/app/agent/tests/harnesses/{command[0]}", *command[1:]]
    start = ["env", "PYTHONPATH=/app/agent", *words]
    folder = here.agent(rehearsal="version: 1\nturns: [{say: Hello.}]\n", harness={"command": start}, **config)
    target = folder / "tests" / "harnesses"
    target.parent.mkdir(exist_ok=True)
    shutil.copytree(HARNESSES, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    return here


def test_what_is_told_of_a_run_that_failed_is_the_same_everywhere(here: Installation) -> None:
    here.agent(script="exit 7\n")
    told = here.run("dev", code=1)
    [run_id] = here.run_ids()
    assert printed(here.freehold("logs", run_id, "--json").stdout) == told
    assert "run.finished" in types(told)
    listed = here.freehold("runs", "--json").stdout
    assert f'"run_id":"{run_id}"' in listed
    assert '"exit_code":7' in listed
    assert Path(here.state / "runs" / run_id / "run.json").stat().st_mode & 0o777 == 0o600
