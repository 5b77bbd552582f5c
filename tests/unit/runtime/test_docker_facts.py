from __future__ import annotations

import os
from typing import Any

import pytest

from freehold.runtime.docker_facts import read_facts

HERE = {
    "NCPU": 4,
    "DockerRootDir": "/var/lib/docker",
    "Name": os.uname().nodename,
    "KernelVersion": os.uname().release,
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=default"],
    "MemoryLimit": True,
    "SwapLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
}
SOCKET = "unix:///var/run/docker.sock"


def test_a_usual_engine_has_no_warnings() -> None:
    facts = read_facts(HERE, "29.0.1", SOCKET)
    assert (facts.version, facts.cpus, facts.local, facts.rootless, facts.warnings) == ("29.0.1", 4, True, False, ())


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"MemoryLimit": False}, "memory limits are not enforced"),
        ({"SwapLimit": False}, "may swap beyond"),
        ({"PidsLimit": False}, "number of processes"),
        ({"CpuCfsQuota": False}, "CPU limits"),
        ({"SecurityOptions": []}, "no seccomp filter"),
        ({"SecurityOptions": ["name=seccomp,profile=default", "name=userns"]}, "userns-remap"),
    ],
)
def test_what_an_engine_cannot_enforce_is_said(changes: dict[str, Any], warning: str) -> None:
    (found,) = read_facts(HERE | changes, "29.0.1", SOCKET).warnings
    assert warning in found


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, "tcp://127.0.0.1:2375"),
        ({"KernelVersion": "6.10.14-linuxkit"}, SOCKET),
        ({"Name": "docker-desktop"}, SOCKET),
    ],
)
def test_an_engine_elsewhere_is_not_local(changes: dict[str, Any], address: str) -> None:
    assert not read_facts(HERE | changes, "29.0.1", address).local


def test_rootless_is_seen() -> None:
    assert read_facts(HERE | {"SecurityOptions": ["name=rootless", "name=seccomp"]}, "29.0.1", SOCKET).rootless
