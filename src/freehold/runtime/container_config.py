"""The container of a run, as Docker is told it: every flag spelled out, in one pure function.

Sizes and rights are those of `docs/dockerfiles.md` ("In the container"): the agent is uid 1000 without capabilities,
its root is read-only, and it can write to /tmp, its home, its workspace and one file of the run directory.
"""

from __future__ import annotations

import math
from typing import Any

from freehold.runtime.engine import Network, RunSpec
from freehold.wire import places

MEGABYTE = 1024**2
GIGABYTE = 1024**3

WORKING_DIRECTORY_BYTES = 2 * GIGABYTE
HOME_BYTES = 64 * MEGABYTE
WORKSPACE_BYTES = 2 * GIGABYTE
PIDS_LIMIT = 1024
OPEN_FILES = 16384
"""Below what a stock Docker service may raise it to, and plenty for language servers that watch a repository."""
LARGEST_FILE_BYTES = 2 * GIGABYTE
"""Nothing that an agent can write to holds more; it also bounds the events file, which lies on the host's disk."""
OOM_SCORE_ADJUSTMENT = 500
"""When the machine itself runs out of memory, the kernel prefers a run to the keeper and the scheduler (both 0)."""
LOG_SIZE = "1m"

NO_NETWORK = "none"

_USER = f"{places.AGENT_UID}:{places.AGENT_UID}"
_CACHES = {
    "XDG_CACHE_HOME": f"{places.WORKSPACE_DIRECTORY}/.cache",
    "PIP_CACHE_DIR": f"{places.WORKSPACE_DIRECTORY}/.cache/pip",
    "NPM_CONFIG_CACHE": f"{places.WORKSPACE_DIRECTORY}/.cache/npm",
}


def docker_config(spec: RunSpec, host_cpus: float, volume: str, network_mode: str = NO_NETWORK) -> dict[str, Any]:
    """The body of `POST /containers/create`. It holds no secret: anybody who may inspect containers can read it.

    `volume` is mounted at /workspace; `network_mode` is `none` or `container:<id>`, never the host's.
    """
    return {
        "Image": spec.image,
        "Entrypoint": list(spec.command or places.RUNNER_COMMAND),
        "Cmd": [],
        "User": _USER,
        "WorkingDir": places.WORKING_DIRECTORY,
        "Env": [f"{name}={value}" for name, value in _environment().items()],
        "Labels": spec.labels,
        "Tty": False,
        "OpenStdin": False,
        "StopSignal": "SIGTERM",
        # An image's own health check would run its commands beside the runner, unseen.
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(spec, host_cpus, volume, network_mode),
    }


def network_wanted(network: Network) -> bool:
    """Whether the run has a network beside the run directory. An allow-list needs none: its proxy is reached there."""
    return network is Network.OPEN


def _environment() -> dict[str, str]:
    return {places.RUN_DIRECTORY_VARIABLE: places.RUN_DIRECTORY, "HOME": places.HOME_DIRECTORY, **_CACHES}


def _host_config(spec: RunSpec, host_cpus: float, volume: str, network_mode: str) -> dict[str, Any]:
    return {
        "NetworkMode": network_mode,
        "Mounts": _mounts(spec, volume),
        "Tmpfs": _tmpfs(),
        "ReadonlyRootfs": True,
        "Privileged": False,
        "CapAdd": [],
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "Devices": [],
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "PidMode": "",
        "PidsLimit": PIDS_LIMIT,
        "Memory": spec.memory_bytes,
        # Equal to Memory: no swap, so that the limit is the limit and a run out of memory ends instead of crawling.
        "MemorySwap": spec.memory_bytes,
        "NanoCpus": nano_cpus(spec.cpus, host_cpus),
        "OomScoreAdj": OOM_SCORE_ADJUSTMENT,
        "Ulimits": [
            {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
            {"Name": "fsize", "Soft": LARGEST_FILE_BYTES, "Hard": LARGEST_FILE_BYTES},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": LOG_SIZE, "max-file": "2"}},
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        "Init": False,
    }


def nano_cpus(cpus: float, host_cpus: float) -> int:
    """Billionths of a CPU, never more than the host has (Docker refuses more) and never less than a hundredth."""
    return math.floor(max(0.01, min(cpus, host_cpus)) * 1_000_000_000)


def _mounts(spec: RunSpec, volume: str) -> list[dict[str, Any]]:
    read_only = [
        (spec.mount, places.RUN_DIRECTORY),
        (spec.agent_dir, places.AGENT_DIRECTORY),
        (spec.credentials_dir, places.CREDENTIALS_DIRECTORY),
    ]
    if spec.shared_dir is not None:
        read_only.append((spec.shared_dir, places.SHARED_DIRECTORY))
    mounts = [_bind(str(source), target, read_only=True) for source, target in read_only]
    # The run directory is read-only and this one file in it is not: where the keeper is uid 1000 too, the directory's
    # mode alone would let the agent replace the socket or its own prompt. A socket can be connected to all the same.
    events = spec.mount / places.EVENTS_FILE
    mounts.append(_bind(str(events), f"{places.RUN_DIRECTORY}/{places.EVENTS_FILE}", read_only=False))
    mounts.append({"Type": "volume", "Source": volume, "Target": places.WORKSPACE_DIRECTORY, "ReadOnly": False})
    return mounts


def _bind(source: str, target: str, *, read_only: bool) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": source,
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }


def _tmpfs() -> dict[str, str]:
    owner = f"uid={places.AGENT_UID},gid={places.AGENT_UID}"
    return {
        places.WORKING_DIRECTORY: f"rw,exec,nosuid,nodev,size={WORKING_DIRECTORY_BYTES},mode=1777",
        places.HOME_DIRECTORY: f"rw,exec,nosuid,nodev,size={HOME_BYTES},mode=0700,{owner}",
    }
