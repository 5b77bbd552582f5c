"""No room for a run's events, no way to write its record, no state at all: each told, and nothing left running."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from freehold.keeper.record import Step
from freehold.wire.events import HookOutput, Limit, Message, Status
from tests.support.installation import Installation, finished, printed, until

pytestmark = [pytest.mark.docker, pytest.mark.root]

SIZE = "2m"
TALK = """while true; do printf '{"type":"message","text":"%01000d"}\\n' 1 >> /run/freehold/events.jsonl; done\n"""


@pytest.fixture
def small_disk(here: Installation) -> Iterator[Path]:
    """The runs of the project lie on a disk of 2 MB."""
    runs = here.state / "runs"
    here.make_state()
    runs.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(runs)], check=True)
    yield runs
    here.stop_keeper()
    subprocess.run(["umount", "--lazy", str(runs)], check=True)


def fill(disk: Path) -> Path:
    """Take all the room that there is."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 512)
    return filler


@contextmanager
def kept_full(disk: Path) -> Iterator[None]:
    """Take every bit of room as soon as it is there."""
    over = threading.Event()

    def keep() -> None:
        while not over.wait(0.001):
            fill(disk)

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        (disk / "filler").unlink()


def test_a_run_that_fills_the_disk_with_its_events_ends_and_says_so(here: Installation, small_disk: Path) -> None:
    here.agent(script=TALK)
    told = here.run("dev", code=1)
    end = finished(told)
    assert (end.result, end.error["code"]) == ("error", "disk")
    assert "No space left" in end.error["message"]
    assert "df -h" in end.error["hint"]
    assert any(isinstance(event, Limit) and event.limit == "disk" for event in told)
    _is_over(here)


def test_a_disk_that_is_full_before_a_run_begins(here: Installation, small_disk: Path) -> None:
    here.agent(script="true\n")
    filler = fill(small_disk)
    refused = here.freehold("run", "dev", code=1)
    assert "No space left" in refused.stderr
    filler.unlink()
    assert here.run_ids() == []
    assert finished(here.run("dev")).result == "completed"


def test_somebody_else_fills_the_disk_and_makes_room_again(here: Installation, small_disk: Path) -> None:
    # Long enough not to fit in what is left of the last block of the file.
    here.agent(script='fh status working\nsleep 2\nfor n in $(seq 90); do fh status "$(seq 200)"; done\nsleep 60\n')
    following = here.start("run", "dev", "--json")
    until(lambda: any(isinstance(event, Status) for run_id in here.run_ids() for event in here.events(run_id)))
    with kept_full(small_disk):
        until(lambda: here.running_containers == [])
    out, _ = following.communicate(timeout=60)
    end = finished(printed(out))
    assert (end.result, end.error["code"]) == ("error", "disk")
    _is_over(here)


def test_a_record_that_cannot_be_written_does_not_hold_up_the_result(here: Installation) -> None:
    here.agent(script="fh status working\nsleep 2\n")
    following = here.start("run", "dev", "--json")
    until(lambda: any(isinstance(event, Status) for run_id in here.run_ids() for event in here.events(run_id)))
    [run_id] = here.run_ids()
    record = here.state / "runs" / run_id / "run.json"
    record.rename(record.with_suffix(".kept"))
    record.mkdir()
    out, _ = following.communicate(timeout=60)
    end = finished(printed(out))
    assert (end.result, end.error) == ("completed", None)
    until(lambda: here.containers == [])
    record.rmdir()
    until(lambda: record.is_file() and here.record(run_id).step is Step.CLEANED)


@pytest.mark.parametrize("again", [False, True], ids=["gone", "made-anew"])
def test_the_state_is_removed_under_the_keeper(here: Installation, again: bool) -> None:
    here.agent(script="echo up\nsleep 60\n", credentials=["github_token"])
    here.freehold("creds", "add", "github_token", "--field", "token=ghp_0123456789canary")
    following = here.start("run", "dev", "--json")
    until(
        lambda: any(
            isinstance(event, HookOutput | Message) for run_id in here.run_ids() for event in here.events(run_id)
        )
    )
    keeper, secrets = here.keeper_pid(), here.staged_secrets
    assert secrets
    shutil.rmtree(here.state)
    if again:
        here.freehold("logs", "-f", code=None)
    _, err = following.communicate(timeout=60)
    assert following.returncode != 0
    assert "there is no run" in err
    until(lambda: not Path(f"/proc/{keeper}").exists())
    until(lambda: here.containers == [])
    assert not any(path.exists() for path in secrets)


def _is_over(here: Installation) -> None:
    [run_id] = [name for name in here.run_ids() if name != "filler"]
    until(lambda: here.record(run_id).step is Step.CLEANED)
    until(lambda: here.containers == [])
