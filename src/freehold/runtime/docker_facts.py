"""What an engine says of itself, as far as runs depend on it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class DockerFacts:
    """`local`: the engine is a process of this machine, and not of a virtual machine on it or of another host. `cpus`
    is what one container may be given."""

    version: str
    cpus: float
    root_directory: Path
    local: bool
    rootless: bool = False
    warnings: tuple[str, ...] = ()


def read_facts(info: Mapping[str, Any], version: str, address: str, allowance: float = math.inf) -> DockerFacts:
    """Facts and warnings from the answer of `GET /info` (Docker API, "System"). `allowance` is this machine's
    (`cpu_allowance`), and counts for an engine that is here."""
    security = " ".join(str(option) for option in info.get("SecurityOptions") or [])
    root_directory = Path(str(info.get("DockerRootDir", "")))
    same_kernel = info.get("KernelVersion") == os.uname().release
    local = address.startswith("unix://") and same_kernel and info.get("Name") == os.uname().nodename
    cpus = int(info.get("NCPU", 0)) or os.cpu_count() or 1
    return DockerFacts(
        version=version,
        cpus=min(cpus, allowance) if local else cpus,
        root_directory=root_directory,
        local=local,
        rootless="name=rootless" in security,
        warnings=tuple(_warnings(info, security)),
    )


def _warnings(info: Mapping[str, Any], security: str) -> list[str]:
    """What this engine cannot enforce, one sentence each."""
    unenforced = {
        "MemoryLimit": "memory limits are not enforced by this kernel (cgroup memory is off)",
        "SwapLimit": "swap is not limited by this kernel: a run may swap beyond its memory limit (swapaccount=1 helps)",
        "PidsLimit": "the number of processes is not limited by this kernel",
        "CpuCfsQuota": "CPU limits are not enforced by this kernel",
    }
    found = [text for key, text in unenforced.items() if info.get(key) is False]
    if "name=seccomp" not in security:
        found.append("this engine has no seccomp filter: runs may make every system call")
    if "name=userns" in security:
        found.append(
            "this engine remaps user ids (userns-remap): it cannot read run directories that are private to their owner"
        )
    return found
