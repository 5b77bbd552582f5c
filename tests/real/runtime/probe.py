"""Run inside a run: looks at everything that a run should not have, and writes what it found, one JSON object."""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any


def status(name: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "")


def writable(path: str) -> str | bool:
    """Whether a file can be made in the directory `path`."""
    probe = Path(path, f"probe-{os.getpid()}")
    try:
        probe.write_text("x")
        probe.unlink()
    except OSError as error:
        return str(error.strerror)
    return True


def replaceable(path: str) -> str | bool:
    try:
        Path(path).rename(f"{path}.old")
    except OSError as error:
        return str(error.strerror)
    return True


def reach(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), timeout=3) as connection:
            return connection.recv(64).decode() or "connected"
    except OSError as error:
        return type(error).__name__ + ": " + str(error.strerror or error)


def mount_options(path: str) -> list[str] | None:
    found = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return next((entry[2:4] for entry in reversed(found) if entry[1] == path), None)


def first_of(paths: list[str]) -> str | None:
    for candidate in paths:
        try:
            return Path(candidate).read_text().strip()
        except OSError:
            continue
    return None


def knock(path: str) -> str:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            return connection.recv(64).decode()
    except OSError as error:
        return str(error.strerror)


def programs() -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "cmdline").read_text().replace("\0", " ").strip())
        except OSError:
            found.append(f"process {process.name} is hidden")
    return found


run = os.environ["FREEHOLD_RUN_DIR"]
asked = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
facts: dict[str, Any] = {
    "uid": os.getuid(),
    "gid": os.getgid(),
    "groups": os.getgroups(),
    "capabilities": [status("CapInh"), status("CapPrm"), status("CapEff"), status("CapBnd"), status("CapAmb")],
    "no_new_privileges": status("NoNewPrivs"),
    "seccomp": status("Seccomp"),
    "environment": dict(os.environ),
    "cwd": str(Path.cwd()),
    "interfaces": sorted(name for _, name in socket.if_nameindex()),
    "writable": {path: writable(path) for path in asked.get("directories", [])},
    "replaceable": {path: replaceable(path) for path in asked.get("files", [])},
    "readable": {path: os.access(path, os.R_OK) for path in asked.get("read", [])},
    "reach": {f"{host}:{port}": reach(host, port) for host, port in asked.get("reach", [])},
    "mounts": {path: mount_options(path) for path in ("/", "/tmp", "/home/node", "/workspace", "/run/freehold")},
    "memory": first_of(["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]),
    "swap": first_of(["/sys/fs/cgroup/memory.swap.max", "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"]),
    "pids": first_of(["/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"]),
    "oom_score_adjustment": first_of(["/proc/self/oom_score_adj"]),
    "socket": knock(f"{run}/run.sock"),
    "docker_sockets": [path for path in ("/var/run/docker.sock", "/run/docker.sock") if Path(path).exists()],
    "programs": programs(),
}
with Path(run, "events.jsonl").open("a") as events:
    events.write(json.dumps(facts) + "\n")
