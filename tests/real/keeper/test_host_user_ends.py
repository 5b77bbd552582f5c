"""A run without a container, from the command line: what forks without end is ended by its timeout and by a kill."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.runtime.host.launcher import processes_of
from tests.support.host_users import host_users, uid_of
from tests.support.installation import Installation, finished, printed, until

pytestmark = pytest.mark.root

RUN_AS = f"fhq-{os.getpid() % 10000}"
BOMB = """
python3 - <<'END' &
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.setsid()
print("forking", flush=True)
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.05)
END
trap '' TERM
sleep 600 & wait; wait; sleep 600
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    with host_users(RUN_AS, 1):
        installation = Installation(tmp_path)
        yield installation
        installation.stop_keeper()


def left() -> list[int]:
    return processes_of(uid_of(RUN_AS))


def test_the_timeout_ends_a_fork_bomb(here: Installation) -> None:
    here.agent(script=BOMB, timeout=6, runtime={"type": "host-user", "run_as": RUN_AS})
    running = here.start("run", "dev", "--json")
    until(lambda: len(left()) > 500)
    output, _ = running.communicate(timeout=60)
    assert finished(printed(output)).result == "timeout"
    assert left() == []


def test_a_kill_ends_a_fork_bomb(here: Installation) -> None:
    here.agent(script=BOMB, timeout=600, runtime={"type": "host-user", "run_as": RUN_AS})
    running = here.start("run", "dev", "--json")
    until(lambda: len(left()) > 500)
    here.freehold("kill", here.run_ids()[0])
    output, _ = running.communicate(timeout=60)
    assert finished(printed(output)).result == "killed"
    assert left() == []
