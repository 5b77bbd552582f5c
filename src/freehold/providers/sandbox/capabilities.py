"""Capabilities that this machine cannot give to anybody: why a container with them does not start (pure, but for one
file that is read)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from freehold.base.errors import FreeholdError

STATUS = Path("/proc/self/status")

_NUMBERS = {
    "DAC_READ_SEARCH": 2, "LINUX_IMMUTABLE": 9, "NET_ADMIN": 12, "NET_RAW": 13, "IPC_LOCK": 14, "SYS_CHROOT": 18,
    "SYS_PTRACE": 19, "SYS_ADMIN": 21, "SYS_BOOT": 22, "SYS_NICE": 23, "MKNOD": 27, "AUDIT_WRITE": 29,
    "AUDIT_CONTROL": 30, "SYSLOG": 34,
}  # fmt: skip
"""capabilities(7), as `linux/capability.h` counts them."""


def missing(status: str, wanted: Iterable[str]) -> list[str]:
    """Those of `wanted` that are not in the bounding set of a process, whose `/proc/.../status` is given.

    Empty when it does not tell.
    """
    line = next((line for line in status.splitlines() if line.startswith("CapBnd:")), "")
    try:
        bounding = int(line.partition(":")[2].strip(), 16)
    except ValueError:
        return []
    return [name for name in wanted if not bounding >> _NUMBERS[name] & 1]


def missing_here(wanted: Iterable[str]) -> list[str]:
    """As `missing`, of this process. Docker's own may be another one where it runs elsewhere: only a guess at why."""
    try:
        return missing(STATUS.read_text(), wanted)
    except OSError:
        return []


def explained(error: FreeholdError, lacking: list[str]) -> FreeholdError:
    """Docker's refusal to start a container, with the capabilities that may be why."""
    if not lacking:
        return error
    return FreeholdError(
        error.code,
        error.message,
        "A sandbox needs capabilities that this machine does not have in its bounding set: "
        f"{', '.join(lacking)}. Is it a container itself? Let it have them.",
    )
