"""A project as a service, from the command line: started, asked, retried, continued, stopped."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from freehold.client.gateway import Gateway
from freehold.client.gateway_address import LocalAddress
from freehold.wire.service import TriggerAccepted, TriggerDetail, TriggerRequest
from tests.support.installation import Installation, finished, printed, until

pytestmark = pytest.mark.docker


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path, "fhcs")
    yield installation
    installation.close()


@contextmanager
def started(here: Installation, *words: str) -> Iterator[Gateway]:
    """The gateway, once its service answers; stopped at the end, as a person would."""
    with (here.project.parent / "out").open("w") as out:
        service = here.start("start", "--headless", "--port", "0", *words, stdout=out, stderr=out)
    gateway = Gateway(LocalAddress(here.project))
    until(gateway.is_there)
    try:
        yield gateway
    finally:
        here.freehold("stop")
        assert service.wait(timeout=60) == 0


def triggered(gateway: Gateway, agent: str = "dev") -> str:
    """The run that a trigger of ours became, once it has ended."""
    accepted = gateway.post(f"/agents/{agent}/trigger", TriggerAccepted, TriggerRequest(prompt="look"))

    def ended() -> bool:
        return gateway.get(f"/triggers/{accepted.trigger_id}", TriggerDetail).trigger.state == "done"

    until(ended)
    return gateway.get(f"/triggers/{accepted.trigger_id}", TriggerDetail).trigger.run_id


def test_from_start_to_stop(here: Installation) -> None:
    here.agent(script="fh status working\nfh return 42\n", schedule="0 0 1 1 *")
    with started(here) as gateway:
        run_id = triggered(gateway)
        shown = here.freehold("status").stdout
        assert "fhcs: running since" in shown
        assert "completed" in shown
        told = json.loads(here.freehold("status", "dev", "--json").stdout)
        assert told["last_run"]["run_id"] == run_id

        again = printed(here.freehold("runs", "retry", run_id[-8:], "-f", "--json").stdout)
        assert finished(again).result == "completed"
        assert finished(again).run_id != run_id

        more = printed(here.freehold("run", "dev", "--continue", run_id, "and now?", "--json").stdout)
        assert finished(more).return_value == "42"

        days = [json.loads(line) for line in here.freehold("stats", "--json").stdout.splitlines()]
        assert sum(day["runs"] for day in days) == 3
    assert here.freehold("status", code=5).stderr.startswith("error:")
    here.freehold("stop", code=5)


def test_ctrl_c_and_kill_count(here: Installation) -> None:
    here.agent(script="fh status working\nsleep 100\n", schedule="0 0 1 1 *", retries=3)
    with started(here) as gateway:
        first = here.freehold("run", "dev", "--detach").stdout.strip()
        until(lambda: "working" in here.freehold("status", "dev").stdout)
        here.freehold("kill", "dev")
        until(lambda: str(here.record(first).view.result) == "killed")

        gateway.post("/agents/dev/trigger", TriggerAccepted, TriggerRequest())
        until(lambda: len(here.run_ids()) == 2 and "working" in here.freehold("status", "dev").stdout)
        second = here.run_ids()[-1]
        here.freehold("kill", second[-8:])
        until(lambda: str(here.record(second).view.result) == "killed")

        watching = here.start("runs", "retry", second, "-f", "--json")
        until(lambda: len(here.run_ids()) == 3 and "working" in here.freehold("status", "dev").stdout)
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=60)
        assert watching.returncode == 1
        assert "stopping the run" in err
        assert finished(printed(out)).result == "killed"
        assert json.loads(here.freehold("status", "--json").stdout)["waiting"] == 0


def test_what_is_exposed_without_tls_is_told(here: Installation) -> None:
    here.agent(script="fh return 1\n")
    with started(here, "--expose"):
        assert "keys could be read on their way" in (here.project.parent / "out").read_text()
    with (here.project / "config.toml").open("a") as config:
        config.write('[gateway]\nurl = "https://agents.example.com"\n')
    with started(here, "--expose"):
        assert "keys could be read" not in (here.project.parent / "out").read_text()
