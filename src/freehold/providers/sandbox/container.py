"""The container that a sandbox is, as Docker is told it (pure)."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Collection
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.providers.sandbox.order import Order, volume_name

SANDBOX_LABEL = "dev.freehold.sandbox"
"""On everything of a sandbox; its value is the name. On their network it is empty."""
ADDRESS_LABEL = "dev.freehold.sandbox.address"
NETWORK = "fh-sandboxes"

CAPABILITIES = (
    "SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "SYS_CHROOT", "SYS_BOOT", "SYS_NICE", "MKNOD", "AUDIT_WRITE",
    "AUDIT_CONTROL", "IPC_LOCK", "DAC_READ_SEARCH", "LINUX_IMMUTABLE", "SYSLOG",
)  # fmt: skip
"""What systemd, sshd and Docker need besides Docker's usual fourteen. `--privileged` would take every one there is, and
fails on machines where one is missing; no device of the machine is given either."""

STOP_WITHIN_S = 30
"""systemd ends its services within seconds; what hangs longer is killed."""
_PROCESSES = 8192


def config(order: Order, image: str, address: str) -> dict[str, Any]:
    """The body of Docker's "create a container"."""
    return {
        "Image": image,
        "Hostname": order.name,
        # How systemd knows where it is.
        "Env": ["container=docker"],
        "Labels": {**order.marks, SANDBOX_LABEL: order.name, ADDRESS_LABEL: address},
        "StopSignal": "SIGRTMIN+3",
        "StopTimeout": STOP_WITHIN_S,
        "HostConfig": _host_config(order),
        "NetworkingConfig": {"EndpointsConfig": {NETWORK: {"IPAMConfig": {"IPv4Address": address}}}},
    }


def _host_config(order: Order) -> dict[str, Any]:
    return {
        "CapAdd": list(CAPABILITIES),
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
        # Paths of /proc and /sys that Docker hides: one that mounts a /proc of its own needs to see a whole one.
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        "CgroupnsMode": "private",
        "Tmpfs": {"/run": "", "/tmp": "exec"},  # noqa: S108  the container's own
        "Mounts": [
            {
                "Type": "volume",
                "Source": volume_name(order.name),
                "Target": "/var/lib/docker",
                "VolumeOptions": {"Labels": {**order.marks, SANDBOX_LABEL: order.name}, "NoCopy": True},
            }
        ],
        "NetworkMode": NETWORK,
        "PidsLimit": _PROCESSES,
        "Memory": order.memory_bytes,
        "NanoCpus": round(order.cpus * 1_000_000_000),
        # `reboot` inside ends the container; a server comes back.
        "RestartPolicy": {"Name": "unless-stopped"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
    }


def free_address(subnet: str, name: str, taken: Collection[str]) -> str:
    """An address of the sandboxes' network for a name: the same one each time, unless it is taken.

    By name, so that two that are made at once do not choose the same. Raises FAILED when none is free.
    """
    network = ipaddress.ip_network(subnet)
    # The first is the network's, the next the machine's own end of the bridge, the last is for broadcasts.
    room = network.num_addresses - 3
    first = zlib.crc32(name.encode()) % max(room, 1)
    for step in range(room):
        address = str(network.network_address + 2 + (first + step) % room)
        if address not in taken:
            return address
    raise FreeholdError(
        Code.FAILED, f"no address is left for a sandbox in {subnet}", "Remove some: freehold sandbox remove NAME"
    )
