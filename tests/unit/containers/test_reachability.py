from __future__ import annotations

import socket
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection
from freehold.containers.reachability import Facts, Silence, docker_address, observe, unreachable

SOCKET = "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    ("silence", "platform", "installed", "message", "hint"),
    [
        (Silence.NO_SOCKET, "linux", True, "Docker is not running", "sudo systemctl start docker"),
        (Silence.NO_SOCKET, "darwin", True, "Docker is not running", "open -a Docker"),
        (Silence.REFUSED, "linux", True, "Docker is not running", "sudo systemctl start docker"),
        (Silence.REFUSED, "darwin", True, "Docker is not running", "open -a Docker"),
        (Silence.NO_SOCKET, "linux", False, "Docker is not installed", "apt-get install docker.io"),
        (Silence.NO_SOCKET, "darwin", False, "Docker is not installed", "Docker Desktop"),
        (Silence.NO_SOCKET, "linux", False, "Docker is not installed", 'local.engine = "host-user"'),
        (Silence.NO_RIGHTS, "linux", True, "permission denied", "usermod -aG docker"),
        (Silence.NO_RIGHTS, "linux", True, "may not talk to Docker", "as good as root"),
        (Silence.NO_RIGHTS, "linux", True, "may not talk to Docker", 'local.engine = "host-user"'),
        (Silence.NO_ANSWER, "linux", True, "does not answer: it hangs", "journalctl -u docker"),
    ],
)
def test_every_silence_says_what_to_do(
    silence: Silence, platform: str, installed: bool, message: str, hint: str
) -> None:
    error = unreachable(Facts(SOCKET, silence, platform, installed, detail="it hangs"))
    assert error.code is Code.UNREACHABLE
    assert message in error.message
    assert hint in error.hint


def test_an_address_that_somebody_chose_is_named() -> None:
    error = unreachable(Facts("tcp://10.0.0.7:2375", Silence.NO_ANSWER, "linux", True, "timed out"))
    assert "tcp://10.0.0.7:2375 does not answer: timed out" in error.message
    assert "DOCKER_HOST" in error.hint


@pytest.mark.parametrize("silence", [Silence.NO_SOCKET, Silence.REFUSED])
def test_a_socket_that_somebody_chose_is_named_too(silence: Silence) -> None:
    error = unreachable(Facts("unix:///x", silence, "linux", True, chosen=True))
    assert "unix:///x" in error.message
    assert "DOCKER_HOST" in error.hint
    assert "systemctl" not in error.hint


def test_that_docker_host_chose_the_address_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert observe("unix:///nowhere/docker.sock").chosen
    assert not observe("unix:///elsewhere/docker.sock").chosen


@pytest.mark.parametrize(
    ("environment", "sockets", "expected"),
    [
        ({"DOCKER_HOST": "tcp://h:1"}, [], "tcp://h:1"),
        ({}, [], SOCKET),
        ({}, [".docker/run/docker.sock"], "unix://{home}/.docker/run/docker.sock"),
        ({"XDG_RUNTIME_DIR": "{home}/run"}, ["run/docker.sock", ".docker/run/docker.sock"], "unix://{home}/run/docker.sock"),
        ({"DOCKER_HOST": "tcp://h:1"}, [".docker/run/docker.sock"], "tcp://h:1"),
    ],
)  # fmt: skip
def test_the_address(tmp_path: Path, environment: dict[str, str], sockets: list[str], expected: str) -> None:
    for name in sockets:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    environment = {key: value.format(home=tmp_path) for key, value in environment.items()}
    found = docker_address(environment, tmp_path, usual=tmp_path / "absent.sock")
    assert found == expected.format(home=tmp_path).replace(SOCKET, f"unix://{tmp_path}/absent.sock")


def test_it_sees_that_there_is_no_socket(tmp_path: Path) -> None:
    assert observe(f"unix://{tmp_path}/docker.sock").silence is Silence.NO_SOCKET


def test_it_sees_that_nobody_listens(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(tmp_path / "docker.sock"))
    assert observe(f"unix://{tmp_path}/docker.sock").silence is Silence.REFUSED


async def test_open_knocks_before_it_talks(tmp_path: Path) -> None:
    with pytest.raises(FreeholdError) as caught:
        DockerConnection.open(f"unix://{tmp_path}/docker.sock")
    assert caught.value.code is Code.UNREACHABLE
    assert caught.value.exit_code == 5


async def test_an_address_without_sense_is_an_error_that_shows_one(tmp_path: Path) -> None:
    with pytest.raises(FreeholdError) as caught:
        DockerConnection.open("docker.example.com")
    assert "docker.example.com" in caught.value.message
    assert "tcp://" in caught.value.hint
