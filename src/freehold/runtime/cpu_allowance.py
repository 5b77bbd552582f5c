"""How many CPUs this machine may use when it is a container itself, as a sandbox is.

An engine in there counts all CPUs of the machine around it, and cgroups of version 1 refuse a container that is to have
more than its parent: without this, no run starts in a container with one CPU on a machine with two.
"""

from __future__ import annotations

import math
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def cpu_allowance(cgroups: Path = CGROUPS) -> float:
    """CPUs, `inf` without a bound. What the kernel says of the outermost cgroup that can be seen from here: a machine's
    own has no bound, a container's has the container's (kernel documentation: `cpu.max`, and `cpu.cfs_quota_us`)."""
    words = (
        _read(cgroups / "cpu.max").split()
        or [_read(cgroups / "cpu" / f"cpu.cfs_{each}_us").strip() for each in ("quota", "period")]
    )  # fmt: skip
    try:
        quota, period = (int(word) for word in words)
    except ValueError:  # "max", or neither version says anything
        return math.inf
    return quota / period if quota > 0 and period > 0 else math.inf


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
