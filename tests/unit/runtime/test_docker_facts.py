from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest

from freehold.runtime.cpu_allowance import cpu_allowance
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


@pytest.mark.parametrize(
    ("allowance", "address", "cpus"),
    [(1.5, SOCKET, 1.5), (8.0, SOCKET, 4), (math.inf, SOCKET, 4), (1.5, "tcp://10.0.0.1:2375", 4)],
)
def test_a_container_gets_no_more_cpus_than_the_machine_may_use(allowance: float, address: str, cpus: float) -> None:
    """Cgroups of version 1 refuse it: no run starts in a sandbox that has fewer CPUs than the machine around it."""
    assert read_facts(HERE, "29.0.1", address, allowance).cpus == cpus


@pytest.mark.parametrize(
    ("files", "allowance"),
    [
        ({}, math.inf),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1.0),
        ({"cpu.max": "nonsense"}, math.inf),
    ],
)
def test_the_allowance_is_what_the_outermost_cgroup_says(
    tmp_path: Path, files: dict[str, str], allowance: float
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cpu_allowance(tmp_path) == allowance
