"""A service whose machine fails it: Docker is restarted, the disk is full, an agent takes all the processes it can."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from freehold.models.answers.speech import Speech
from freehold.models.fake_upstream import Behaviour
from freehold.models.tokens import Tokens
from freehold.wire.service import API
from tests.support.docker_daemon import Daemon
from tests.support.gateway_world import errors
from tests.support.installation import Installation, until
from tests.support.provider import Provider
from tests.support.running_service import RunningService

pytestmark = [pytest.mark.docker, pytest.mark.root]

ONCE_MORE = """if mkdir /workspace/been; then fh status working; sleep 100; fi
fh return again
"""
FORKS = "fh status forking\nbomb() { bomb | bomb & }\nbomb 2> /dev/null\nsleep 100\n"
SPACE = b"x" * 4096


def trigger(service: RunningService, agent: str = "dev") -> str:
    accepted = service.ask("POST", f"{API}/agents/{agent}/trigger", {})
    assert accepted.status_code == 202, accepted.text
    return str(accepted.json()["trigger_id"])


def detail(service: RunningService, trigger_id: str) -> dict[str, Any]:
    found: dict[str, Any] = service.ask("GET", f"{API}/triggers/{trigger_id}").json()
    return found


def until_done(service: RunningService, trigger_id: str, patience_s: float = 120) -> list[dict[str, Any]]:
    """Its attempts, once it is done; the last one is its final one."""
    until(lambda: detail(service, trigger_id)["trigger"]["state"] == "done", patience_s)
    found = detail(service, trigger_id)
    attempts: list[dict[str, Any]] = found["attempts"]
    assert [view["attempt"] for view in attempts] == list(range(1, found["trigger"]["attempts"] + 1))
    assert found["trigger"]["run_id"] == attempts[-1]["run_id"]
    return attempts


def says(service: RunningService, trigger_id: str, text: str) -> bool:
    return any(view["status_text"] == text for view in detail(service, trigger_id)["attempts"])


@pytest.fixture
def daemon(base_image: str) -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="fhd-") as folder:
        made = Daemon(Path(folder))
        try:
            made.start()
            made.load(base_image)
            yield made
        finally:
            made.close()


@pytest.mark.xdist_group("docker-away")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_docker_is_restarted_under_running_runs(
    here: Installation, service: RunningService, daemon: Daemon, number: signal.Signals
) -> None:
    """They end with it, and are repeated, as the agent says; what waits begins, and has used no attempt up."""
    here.environment["DOCKER_HOST"] = daemon.address
    here.agent(script=ONCE_MORE, scale=2, retries=1, retry_delay=1)
    service.start()
    triggers = [trigger(service) for _ in range(3)]
    until(lambda: sum(says(service, one, "working") for one in triggers) == 2)
    # While Docker stops, it starts containers still and kills them at once: they had begun. So none is let begin then.
    assert service.ask("POST", f"{API}/pause").status_code == 200
    daemon.stop(number)
    waiting = trigger(service)  # what is taken in meanwhile waits, too
    assert service.ask("POST", f"{API}/resume").status_code == 200
    daemon.start()
    for one in (*triggers, waiting):
        attempts = until_done(service, one)
        assert attempts[-1]["result"] == "completed", [(each["result"], each["error"]) for each in attempts]
        assert attempts[-1]["return_value"] == "again"
    counts = [len(detail(service, one)["attempts"]) for one in (*triggers, waiting)]
    assert sorted(counts) == [1, 1, 2, 2], counts
    until(lambda: daemon.docker("ps", "--all", "--quiet") == "")
    assert service.ask("GET", "/health").status_code == 200
    service.stop()
    here.stop_keeper()


@pytest.mark.xdist_group("docker-away")
def test_docker_does_not_answer(here: Installation, service: RunningService, daemon: Daemon) -> None:
    """What is asked for waits, its agent says why, and everything else is answered meanwhile."""
    here.environment["DOCKER_HOST"] = daemon.address
    here.agent(script="fh return done\n")
    service.start()
    assert until_done(service, trigger(service))[-1]["return_value"] == "done"
    daemon.freeze()
    try:
        waiting = trigger(service)
        until(lambda: "did not answer" in service.ask("GET", f"{API}/agents/dev").json()["error"])
        assert detail(service, waiting)["trigger"]["state"] == "waiting"
        assert service.ask("GET", "/health").status_code == 200
    finally:
        daemon.thaw()
    [attempt] = until_done(service, waiting)
    assert attempt["return_value"] == "done"
    service.stop()
    here.stop_keeper()


def test_an_agent_that_forks_without_end_harms_nobody(here: Installation, service: RunningService) -> None:
    here.agent(script=FORKS, timeout=15)
    here.agent("other", script="fh return well\n")
    service.start()
    forking = trigger(service)
    until(lambda: says(service, forking, "forking"))
    assert until_done(service, trigger(service, "other"))[-1]["return_value"] == "well"
    assert service.ask("GET", "/health").json()["status"] == "ok"
    [attempt] = until_done(service, forking)
    assert attempt["result"] in ("timeout", "error")
    until(lambda: here.containers == [])
    assert service.ask("GET", "/health").json()["status"] == "ok"


def test_a_scheduler_is_killed_while_a_model_speaks(here: Installation, service: RunningService) -> None:
    provider = Provider()
    try:
        speech = Speech("1", "m-1", tuple(f"word {n} " for n in range(20)), None, Tokens(input=100, output=20))
        provider.upstream.behave(Behaviour(speech, interval_s=0.2))
        with (here.project / "config.toml").open("a") as config:
            address = f"http://127.0.0.1:{provider.port}/v1"
            config.write(f'\n[models.main]\nprovider = "custom"\nmodel = "m-1"\nbase_url = "{address}"\n')
        here.agent(models=["main"])
        here.freehold("creds", "add", "custom_key", "--field", "token=k-0123456789", "--field", "hosts=127.0.0.1")
        service.start()
        one = trigger(service)
        until(lambda: provider.upstream.open_streams == 1)
        service.kill()
        service.start()
        [attempt] = until_done(service, one)
        assert (attempt["result"], attempt["usage"]["requests"]) == ("completed", 1)
        assert len(provider.upstream.seen) == 1  # the stream outlived the scheduler
    finally:
        provider.close()


@pytest.fixture
def small_disk(tmp_path: Path, service: RunningService) -> Iterator[Path]:
    """A disk of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs", str(folder)], check=True)
    yield folder
    service.end()
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take all the room that there is."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(SPACE)
    return filler


def test_a_disk_that_is_full_for_the_database(here: Installation, service: RunningService, small_disk: Path) -> None:
    """Nothing is accepted that is not on the disk; what ends meanwhile is written once there is room."""
    config = here.project / "config.toml"
    config.write_text(f'database_url = "sqlite:///{small_disk}/state.db"\n{config.read_text()}')
    here.agent(script="fh status working\nsleep 4\nfh return done\n")
    service.start()
    one = trigger(service)
    until(lambda: says(service, one, "working"))
    [run_id] = here.run_ids()
    filler = fill(small_disk)
    health = service.ask("GET", "/health")  # before anybody was refused
    assert (health.status_code, health.json()["accepts"]) == (200, False)
    assert "disk is full: 0 B free" in service.ask("GET", f"{API}/status").json()["problems"][0]
    refused = set()
    for _ in range(40):  # what is left of the database's own pages and its log takes a few
        answer = service.ask("POST", f"{API}/agents/dev/trigger", {"prompt": "x" * 20_000})
        refused.add(answer.status_code)
        if answer.status_code != 202:
            assert (answer.status_code, errors(answer)["code"]) == (503, "disk")
            assert answer.headers["retry-after"]
            break
    assert 503 in refused
    accepted = len(service.ask("GET", f"{API}/queue?limit=500").json())
    until(lambda: here.record(run_id).view.result == "completed")
    until(lambda: "disk is full" in service.ask("GET", "/health").text)
    assert service.ask("GET", "/health").json()["status"] == "degraded"
    filler.unlink()
    assert until_done(service, one)[-1]["return_value"] == "done"
    health = service.ask("GET", "/health")
    assert (health.json()["status"], health.json()["accepts"]) == ("ok", True)
    service.ask("POST", f"{API}/agents/dev/kill", {})
    with closing(sqlite3.connect(f"file:{small_disk}/state.db?mode=ro", uri=True)) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        assert database.execute("select count(*) from triggers").fetchone()[0] >= accepted + 1


def test_what_spends_can_be_ended_while_the_disk_is_full(
    here: Installation, service: RunningService, small_disk: Path
) -> None:
    """What is written down of that stands in the log; a brake must not wait for room."""
    config = here.project / "config.toml"
    config.write_text(f'database_url = "sqlite:///{small_disk}/state.db"\n{config.read_text()}')
    here.agent(script="fh status working\nsleep 100\n", scale=2)
    service.start()
    one, other = trigger(service), trigger(service)
    until(lambda: says(service, one, "working") and says(service, other, "working"))
    unused = service.ask("POST", f"{API}/keys", {"name": "phone", "scopes": ["trigger"]}).json()["key"]
    filler = fill(small_disk)
    while service.ask("POST", f"{API}/agents/dev/trigger", {"prompt": "x" * 20_000}).status_code == 202:
        pass  # what is left of the database's own pages takes a few
    first, second = (detail(service, each)["attempts"][0]["run_id"] for each in (one, other))
    # That a key was used cannot be written down either, which is no reason to keep its owner out.
    by_phone = {"authorization": f"Bearer {unused}"}
    assert service.ask("POST", f"{API}/runs/{first}/kill", {}, headers=by_phone).status_code == 200
    until(lambda: here.record(first).view.result == "killed")
    assert service.ask("POST", f"{API}/agents/dev/kill", {}).json()["killed"] >= 1
    until(lambda: here.record(second).view.result == "killed")
    filler.unlink()
    assert [until_done(service, each)[-1]["result"] for each in (one, other)] == ["killed", "killed"]


def test_a_disk_that_is_full_for_the_files_of_runs(
    here: Installation, service: RunningService, small_disk: Path
) -> None:
    """What cannot begin waits, and its agent says why; it begins when there is room."""
    here.make_state()
    runs = here.state / "runs"
    runs.symlink_to(small_disk)
    here.agent(script="fh return done\n")
    service.start()
    filler = fill(small_disk)
    one = trigger(service)
    until(lambda: "No space left" in service.ask("GET", f"{API}/agents/dev").json()["error"])
    assert detail(service, one)["trigger"]["state"] == "waiting"
    filler.unlink()
    [attempt] = until_done(service, one)
    assert attempt["return_value"] == "done"
    until(lambda: here.containers == [])
    assert list((here.state / "active").iterdir()) == []
