from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from freehold.runtime.container_config import docker_config, nano_cpus, network_wanted
from freehold.runtime.engine import Network, RunSpec

GIGABYTE = 1024**3

SPEC = RunSpec(
    run_id="dev-01jd0000000000000000000000",
    project="shop",
    agent="dev",
    attempt=1,
    slot=0,
    image="freehold-shop-dev:0123456789ab",
    mount=Path("/p/mount"),
    agent_dir=Path("/p/agent"),
    credentials_dir=Path("/s/credentials"),
    shared_dir=Path("/p/shared"),
    network=Network.ALLOWLIST,
    memory_bytes=4 * GIGABYTE,
    cpus=2.0,
    timeout_s=900,
    started_at="2026-11-21T09:00:00.000Z",
)


def config(spec: RunSpec = SPEC, cpus: int = 8) -> dict[str, Any]:
    return docker_config(spec, cpus, "fh-shop-dev-0")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("NetworkMode", "none"),
        ("ReadonlyRootfs", True),
        ("Privileged", False),
        ("CapAdd", []),
        ("CapDrop", ["ALL"]),
        ("SecurityOpt", ["no-new-privileges:true"]),
        ("Devices", []),
        ("IpcMode", "private"),
        ("PidMode", ""),
        ("PidsLimit", 1024),
        ("Memory", 4 * GIGABYTE),
        ("MemorySwap", 4 * GIGABYTE),
        ("NanoCpus", 2_000_000_000),
        ("OomScoreAdj", 500),
        ("RestartPolicy", {"Name": "no"}),
        ("AutoRemove", False),
        ("Init", False),
        ("LogConfig", {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}}),
        ("Tmpfs", {
            "/tmp": "rw,exec,nosuid,nodev,size=2147483648,mode=1777",
            "/home/node": "rw,exec,nosuid,nodev,size=67108864,mode=0700,uid=1000,gid=1000",
        }),
    ],
)  # fmt: skip
def test_what_docker_is_told(key: str, value: object) -> None:
    assert config()["HostConfig"][key] == value


def test_it_runs_as_the_agents_user_from_the_runner() -> None:
    told = config()
    assert (told["User"], told["Entrypoint"], told["WorkingDir"]) == ("1000:1000", ["/app/bin/runner"], "/tmp")
    assert told["Healthcheck"] == {"Test": ["NONE"]}


def test_a_command_replaces_the_runner() -> None:
    assert config(replace(SPEC, command=("sleep", "1")))["Entrypoint"] == ["sleep", "1"]


def test_only_the_events_file_and_the_workspace_can_be_written() -> None:
    mounts = {mount["Target"]: (mount["Source"], mount["ReadOnly"]) for mount in config()["HostConfig"]["Mounts"]}
    assert mounts == {
        "/run/freehold": ("/p/mount", True),
        "/run/freehold/events.jsonl": ("/p/mount/events.jsonl", False),
        "/app/agent": ("/p/agent", True),
        "/app/static/shared": ("/p/shared", True),
        "/credentials": ("/s/credentials", True),
        "/workspace": ("fh-shop-dev-0", False),
    }


def test_without_a_shared_folder_there_is_no_mount_for_it() -> None:
    targets = [mount["Target"] for mount in config(replace(SPEC, shared_dir=None))["HostConfig"]["Mounts"]]
    assert "/app/static/shared" not in targets


def test_the_environment_holds_paths_and_nothing_else() -> None:
    names = {line.partition("=")[0] for line in config()["Env"]}
    assert names == {"FREEHOLD_RUN_DIR", "HOME", "XDG_CACHE_HOME", "PIP_CACHE_DIR", "NPM_CONFIG_CACHE"}


def test_the_docker_socket_is_never_there() -> None:
    assert "docker.sock" not in json.dumps(config())


def test_the_labels_say_what_readoption_needs() -> None:
    assert config()["Labels"] == {
        "dev.freehold.project": "shop",
        "dev.freehold.agent": "dev",
        "dev.freehold.run": "dev-01jd0000000000000000000000",
        "dev.freehold.attempt": "1",
        "dev.freehold.slot": "0",
        "dev.freehold.started": "2026-11-21T09:00:00.000Z",
        "dev.freehold.timeout": "900",
    }


@pytest.mark.parametrize(
    ("cpus", "host", "expected"), [(2.0, 8, 2e9), (2.0, 1, 1e9), (64.0, 8, 8e9), (0.5, 8, 5e8), (0.0, 8, 1e7)]
)
def test_cpus_are_never_more_than_the_host_has(cpus: float, host: int, expected: float) -> None:
    assert nano_cpus(cpus, host) == expected


@pytest.mark.parametrize(
    ("network", "wanted"), [(Network.ALLOWLIST, False), (Network.NONE, False), (Network.OPEN, True)]
)
def test_only_open_has_a_network(network: Network, wanted: bool) -> None:
    assert network_wanted(network) is wanted
