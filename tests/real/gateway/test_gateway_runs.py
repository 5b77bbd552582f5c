"""A real service: triggered over HTTP, its runs in containers, what they say followed while they go on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess

import httpx2
import pytest

from freehold.wire.service import API
from tests.support.installation import Installation, until
from tests.support.program import PROGRAM
from tests.support.running_service import RunningService

pytestmark = pytest.mark.docker


def followed(service: RunningService, run_id: str, after: str = "") -> list[dict[str, object]]:
    """Every event until the run's last one, as a browser hears them."""
    headers = {"authorization": f"Bearer {service.key}", "accept": "text/event-stream"}
    if after:
        headers["last-event-id"] = after
    with (
        httpx2.Client(timeout=60, trust_env=False) as client,
        client.stream("GET", f"{service.url}{API}/runs/{run_id}/events", headers=headers) as response,
    ):
        return [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: ")]


def triggered(service: RunningService) -> str:
    accepted = service.ask("POST", f"{API}/agents/dev/trigger", {"prompt": "Go."}).json()
    run_ids: list[str] = []

    def begun() -> bool:
        detail = service.ask("GET", f"{API}/triggers/{accepted['trigger_id']}").json()
        run_ids[:] = [attempt["run_id"] for attempt in detail["attempts"]]
        return bool(run_ids)

    until(begun)
    return run_ids[0]


def test_from_a_trigger_to_the_last_event(here: Installation, service: RunningService) -> None:
    here.agent(script="fh status working\nsleep 1\nfh return 42\n")
    service.start()
    run_id = triggered(service)
    events = followed(service, run_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (events[-1]["type"], events[-1]["return_value"]) == ("run.finished", "42")
    assert followed(service, run_id, after="5") == events[5:]
    until(lambda: service.ask("GET", f"{API}/runs/{run_id}").json()["state"] == "finished")
    assert service.stop() == 0
    assert not (here.state / "gateway.sock").exists()


def test_a_run_is_followed_across_a_keeper_that_is_killed(here: Installation, service: RunningService) -> None:
    here.agent(script="for n in 1 2 3 4 5 6 7 8; do fh status step $n; sleep 0.7; done\nfh return done\n")
    service.start()
    run_id = triggered(service)
    until(lambda: service.ask("GET", f"{API}/runs/{run_id}").json()["status_text"] != "")
    keeper = here.keeper_pid()
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    events = followed(service, run_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (events[-1]["type"], events[-1]["result"]) == ("run.finished", "completed")


def test_runs_go_on_when_the_service_stops(here: Installation, service: RunningService) -> None:
    here.agent(script="fh status begun\nsleep 4\nfh return done\n")
    service.start()
    run_id = triggered(service)
    until(lambda: service.ask("GET", f"{API}/runs/{run_id}").json()["status_text"] == "begun")
    assert service.stop() == 0
    assert len(here.running_containers) == 1
    service.start()
    until(lambda: service.ask("GET", f"{API}/runs/{run_id}").json()["result"] == "completed")


def test_streams_do_not_hold_a_stop_up(here: Installation, service: RunningService) -> None:
    here.agent(script="sleep 60\n")
    service.start()
    headers = {"authorization": f"Bearer {service.key}", "accept": "text/event-stream"}
    with (
        httpx2.Client(timeout=60, trust_env=False) as client,
        client.stream("GET", f"{service.url}{API}/events", headers=headers) as response,
    ):
        lines = response.iter_lines()
        assert next(lines) == ": still here"
        assert service.stop() == 0
        assert list(lines) == [""]


def test_local_commands_need_no_key_and_others_do(here: Installation, service: RunningService) -> None:
    here.agent(script="true\n")
    service.start()
    transport = httpx2.HTTPTransport(uds=str(here.state / "gateway.sock"))
    with httpx2.Client(transport=transport, base_url="http://localhost") as local:
        assert local.get(f"{API}/keys").status_code == 200
        assert local.get(f"{API}/keys", headers={"host": "evil.example"}).status_code == 421
    assert (here.state / "gateway.sock").stat().st_mode & 0o777 == 0o600
    assert httpx2.get(f"{service.url}{API}/keys", trust_env=False).status_code == 401
    assert httpx2.get(f"{service.url}/metrics", trust_env=False).status_code == 200


def test_a_port_that_is_taken_and_a_project_that_runs(here: Installation, service: RunningService) -> None:
    here.agent(script="true\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = here.freehold("start", "--headless", "--port", port, code=None)
        assert refused.returncode != 0
        assert "gateway.port" in refused.stderr
    service.start()
    second = here.freehold("start", "--headless", "--port", str(service.port), code=None)
    assert second.returncode != 0
    assert service.process is not None
    assert f"process {service.process.pid}" in second.stderr
    assert service.ask("GET", f"{API}/status").status_code == 200


def test_a_socket_of_systemd_is_taken_over(here: Installation, service: RunningService) -> None:
    here.agent(script="true\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = f'exec 3<&{listener.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@"'
        words = ["bash", "-c", command, str(PROGRAM), "-p", str(here.project), "start", "--headless"]
        process = subprocess.Popen(words, env=here.environment, pass_fds=[listener.fileno()], stderr=subprocess.PIPE)
        try:
            # The socket is there already: whoever comes early waits, and is not refused.
            assert httpx2.get(f"http://127.0.0.1:{port}/health", timeout=30, trust_env=False).status_code == 200
            until((here.state / "gateway.sock").exists)
        finally:
            process.terminate()
            process.communicate(timeout=30)
        assert process.returncode == 0


def test_broken_requests_harm_nobody(here: Installation, service: RunningService) -> None:
    here.agent(script="true\n")
    service.start()
    head = f"POST {API}/agents/dev/trigger HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nAuthorization: Bearer x\r\n"
    broken = [
        head + "Content-Length: 100\r\n\r\n{",
        head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        head + "Content-Length: -1\r\n\r\n",
        head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        head + "X: " + "x" * 100_000 + "\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\x00\x01\x02",
        "GET " + "/" * 70_000,
    ]
    for request in broken:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    assert service.ask("GET", f"{API}/status").json()["waiting"] == 0
    assert "Traceback" not in service.log.read_text()
