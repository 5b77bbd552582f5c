"""Run inside a run, by its script: what the kernel gives a program there, one JSON object on standard output."""

import ctypes
import errno
import json
import os
import platform
import socket
import stat
import sys
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
IO_URING_SETUP = 425
CALLS = {
    "x86_64": {"keyctl": 250, "unshare": 272, "mount": 165, "bpf": 321, "perf_event_open": 298, "setns": 308,
               "open_by_handle_at": 304, "init_module": 175, "kexec_load": 246, "userfaultfd": 323, "syslog": 103},
    "aarch64": {"keyctl": 219, "unshare": 97, "mount": 40, "bpf": 280, "perf_event_open": 241, "setns": 268,
                "open_by_handle_at": 265, "init_module": 105, "kexec_load": 104, "userfaultfd": 282, "syslog": 116},
}  # fmt: skip
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "unshare": (0x10000000,), "mount": (b"none", b"/tmp", b"tmpfs", 0, None), "syslog": (3, None, 0),
}  # fmt: skip


def call(number: int, *arguments: Any) -> str:
    """`done`, or the name of the error."""
    if LIBC.syscall(number, *(arguments or (0, 0, 0, 0, 0))) >= 0:
        return "done"
    return errno.errorcode.get(ctypes.get_errno(), "?")


def families() -> list[int]:
    found = set()
    for family in range(64):
        for kind in (1, 2, 3, 5):
            try:
                socket.socket(family, kind).close()
                found.add(family)
            except OSError:
                continue
    return sorted(found)


def files_of(root: str, wanted: Any) -> list[str]:
    """Paths below `root`, on its own disk and without /proc and /sys, whose mode is `wanted`."""
    found = []
    for directory, folders, names in os.walk(root):
        if directory == "/":
            folders[:] = [name for name in folders if name not in {"proc", "sys"}]
        for name in names:
            path = os.path.join(directory, name)  # noqa: PTH118  fast, for the whole disk
            try:
                if wanted(os.lstat(path).st_mode):
                    found.append(path)
            except OSError:
                continue
    return found


def writable_below(*roots: str) -> list[str]:
    """Files of the kernel's that can be opened for writing, processes' own ones left out."""
    found = []
    for root in roots:
        for directory, folders, names in os.walk(root):
            if directory == "/proc":
                folders[:] = [name for name in folders if not name.isdigit() and name not in {"self", "thread-self"}]
            for name in names:
                path = os.path.join(directory, name)  # noqa: PTH118
                if os.access(path, os.W_OK) and not stat.S_ISCHR(os.stat(path).st_mode):  # noqa: PTH116
                    found.append(path)
    return found


def unix_sockets() -> list[str]:
    """Names of the sockets that this network namespace knows, abstract ones with `@`."""
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    return sorted({line.split()[7] for line in lines if len(line.split()) > 7})


def descriptors() -> dict[str, str]:
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        if int(entry.name) > 2 and entry.is_symlink():
            target = str(entry.readlink())
            if not target.startswith("/proc/"):
                found[entry.name] = target
    return found


sys.stdout.write(
    json.dumps(
        {
            "descriptors": descriptors(),
            "families": families(),
            "io_uring": call(IO_URING_SETUP, 1, ctypes.create_string_buffer(256)),
            "calls": {
                name: call(number, *ARGUMENTS.get(name, ())) for name, number in CALLS[platform.machine()].items()
            },
            "sockets": files_of("/", stat.S_ISSOCK),
            "block_devices": files_of("/", stat.S_ISBLK),
            "unix_sockets": unix_sockets(),
            "writable": writable_below("/proc", "/sys"),
            "interfaces": [name for _, name in socket.if_nameindex()],
            "keys": Path("/proc/keys").read_text(),
            "status": {
                name: value.strip()
                for name, _, value in (
                    line.partition(":") for line in Path("/proc/self/status").read_text().splitlines()
                )
                if name in {"NoNewPrivs", "Seccomp", "CapEff", "CapBnd", "Uid"}
            },
            "core_pattern": Path("/proc/sys/kernel/core_pattern").read_text().strip(),
            "parent_environment": Path("/proc/1/environ").read_text().split("\0"),
            "environment": dict(os.environ),
        }
    )
)
