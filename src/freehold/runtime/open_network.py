"""`network = "open"`: a bridge for each run on which no cloud's metadata service can be reached.

See docs/why/open-network.md. A helper container owns the network and makes the addresses unreachable before the run
joins it; the run has no capability with which to undo that.
"""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.containers.container import Containers
from freehold.containers.network import Networks
from freehold.runtime import network_owner
from freehold.runtime.container_config import MEGABYTE, OOM_SCORE_ADJUSTMENT
from freehold.runtime.container_names import HELPER_LABEL, PROJECT_LABEL, helper_name
from freehold.runtime.engine import RunSpec

READY_TIMEOUT_S = 20.0
_POLL_S = 0.05
PUBLIC_NAME_SERVERS = ("1.1.1.1", "8.8.8.8")


def helper_config(spec: RunSpec, network: str, name_servers: Iterable[str]) -> dict[str, Any]:
    """The helper's container: root of its own network and of nothing else, and that only for its first moment."""
    return {
        # Not the run's own image: whoever wrote its Dockerfile would decide what the helper does.
        "Image": spec.base_image,
        "Entrypoint": ["/usr/bin/python3", "-I", "-S", "-c", inspect.getsource(network_owner)],
        "Cmd": [],
        "User": "0:0",
        "WorkingDir": "/",
        "Env": [],
        "Labels": helper_labels(spec.project, spec.run_id),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": network,
            "Dns": list(name_servers),
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "CapAdd": ["NET_ADMIN"],
            "SecurityOpt": ["no-new-privileges:true"],
            "PidsLimit": 8,
            "Memory": 64 * MEGABYTE,
            "MemorySwap": 64 * MEGABYTE,
            "OomScoreAdj": OOM_SCORE_ADJUSTMENT,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "64k", "max-file": "1"}},
            "RestartPolicy": {"Name": "no"},
        },
    }


def helper_labels(project: str, run_id: str) -> dict[str, str]:
    return {PROJECT_LABEL: project, HELPER_LABEL: run_id}


def name_servers_for(resolv_conf: str) -> tuple[str, ...]:
    """Name servers to use instead of the host's; none when the host's can stay.

    On Google Cloud the host's name server is the metadata service itself, and would be cut off with it.
    """
    cut_off = [ipaddress.ip_network(network) for network in network_owner.UNREACHABLE]
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            server = ipaddress.ip_address(words[1].partition("%")[0])
        except ValueError:
            continue
        if any(server in network for network in cut_off):
            return PUBLIC_NAME_SERVERS
    return ()


class OpenNetworks:
    """Makes and removes the network of one run; both can be repeated."""

    def __init__(self, containers: Containers, networks: Networks) -> None:
        self._containers = containers
        self._networks = networks

    async def open(self, spec: RunSpec) -> str:
        """The network mode with which the run's container joins. On failure nothing is left behind."""
        labels = helper_labels(spec.project, spec.run_id)
        name = helper_name(spec.project, spec.agent, spec.run_id)
        try:
            network = await self._networks.create_bridge(name, labels)
            config = helper_config(spec, network, name_servers_for(_host_resolv_conf()))
            helper = await self._create(name, config, spec)
            await self._containers.start(helper)
            await self._wait_until_ready(helper, spec.run_id)
        except BaseException:
            await self.close(spec.run_id)
            raise
        return f"container:{helper}"

    async def close(self, run_id: str) -> None:
        """Remove whatever there is of the run's network."""
        labels = {HELPER_LABEL: run_id}
        for helper in await self._containers.with_labels(labels):
            await self._containers.remove(helper.id)
        for network in await self._networks.with_labels(labels):
            await self._networks.remove(network)

    async def _create(self, name: str, config: dict[str, Any], spec: RunSpec) -> str:
        try:
            return await self._containers.create(name, config)
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            raise FreeholdError(
                Code.IMAGE,
                f"The open network of {spec.run_id} is made with the image {spec.base_image}, which is not there.",
                "Build it: freehold image build",
            ) from error

    async def _wait_until_ready(self, helper: str, run_id: str) -> None:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while network_owner.READY not in await self._containers.tail(helper, 4096):
                    state = await self._containers.inspect(helper)
                    if not state["State"]["Running"]:
                        break
                    await asyncio.sleep(_POLL_S)
                else:
                    return
        except TimeoutError as error:
            raise _not_guarded(run_id, f"it was not ready after {READY_TIMEOUT_S:.0f} s") from error
        raise _not_guarded(run_id, (await self._containers.tail(helper, 500)).strip())


def _not_guarded(run_id: str, why: str) -> FreeholdError:
    return FreeholdError(
        Code.FAILED,
        f"The open network of {run_id} could not be made safe, so the run was not started: {why}",
        'Use network = "allowlist" (the default) for this agent, or look at the image: it must have /usr/bin/python3.',
    )


def _host_resolv_conf() -> str:
    try:
        return Path("/etc/resolv.conf").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
