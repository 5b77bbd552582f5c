"""The scripts that prepare a bare machine, on machines as bare as can be had: containers of a fresh Debian."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.runtime.images import debian
from tests.support.images import docker, inside

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.xdist_group("install-scripts")]

SCRIPTS = Path(__file__).parents[3] / "scripts"
NAME = f"fht-debian-{os.getpid()}:13"
CAPABILITIES = (
    *("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "SYS_CHROOT"),
    *("SYS_NICE", "MKNOD", "IPC_LOCK", "DAC_READ_SEARCH", "SYSLOG"),
)
"""What an engine within a container needs; `--privileged` is refused on some machines."""


@pytest.fixture(scope="module")
def local_debian() -> Iterator[str]:
    made = subprocess.run([*debian.command(), "--name", NAME], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    yield NAME
    docker("image", "rm", NAME)


def test_the_local_debian_is_debian_13_and_small(local_debian: str) -> None:
    found = inside(
        local_debian, ". /etc/os-release; echo $ID $VERSION_ID; cat /etc/apt/sources.list; ls /var/lib/apt/lists"
    )
    assert found.splitlines()[0] == "debian 13"
    assert "trixie-security" in found
    assert int(docker("image", "inspect", "--format", "{{.Size}}", local_debian)) < 120e6
    assert inside(local_debian, "ls /usr/share/doc/bash") == "copyright"


def test_it_is_made_only_when_it_is_needed(local_debian: str) -> None:
    before = docker("image", "inspect", "--format", "{{.Id}}", local_debian)
    subprocess.run([*debian.command(), "--name", NAME, "--if-needed"], check=True, capture_output=True)
    assert docker("image", "inspect", "--format", "{{.Id}}", local_debian) == before


async def test_doctor_makes_it_when_it_is_needed() -> None:
    said: list[str] = []
    await debian.make_local(said.append)
    assert said[-1] in (f"{debian.FROM_HERE} is there", f"{debian.FROM_REGISTRY} is there")


def test_words_it_does_not_know_are_answered_with_its_usage() -> None:
    for script in ("debian-image", "install-docker"):
        answer = subprocess.run([str(SCRIPTS / script), "--frobnicate"], capture_output=True, text=True)
        assert answer.returncode == 2
        assert f"{script} [--" in answer.stderr


INSTALL = """
mount -o remount,rw /sys/fs/cgroup 2>/dev/null || true
for each in /sys/fs/cgroup/*; do mount -o remount,bind,rw "$each" 2>/dev/null || true; done
/scripts/install-docker --log /tmp/dockerd.log
docker version --format '{{.Server.Version}}'
docker buildx version || DOCKER_BUILDKIT=1 docker build --help > /dev/null
echo again; /scripts/install-docker
"""


def test_docker_is_installed_and_started_on_a_bare_debian_without_systemd(local_debian: str) -> None:
    container = f"fht-install-{os.getpid()}"
    options = [word for name in CAPABILITIES for word in ("--cap-add", name)]
    options += [f"--security-opt={kind}=unconfined" for kind in ("seccomp", "apparmor", "systempaths")]
    command = ["docker", "run", "--rm", "-i", "--name", container, "--cgroupns=private", *options]
    command += ["--volume", "/var/lib/docker", "--volume", f"{SCRIPTS}:/scripts:ro", local_debian, "bash", "-es"]
    answer = subprocess.run(command, input=INSTALL, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    first, _, second = answer.stdout.partition("again\n")
    assert "starting dockerd in the background" in first
    assert second.count("\n") == 1, "the second time there is nothing to do"
    assert "answers" in second
