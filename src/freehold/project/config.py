"""The project's configuration: `config.toml`, `.env.toml` and the environment's file, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freehold.base.secret import Secret
from freehold.project import keys, names
from freehold.project.budget import Budget, budget_of
from freehold.project.egress import egress_of
from freehold.project.harnesses import BUILTIN, COMMAND, SAME_AS_BUILTIN, HarnessChoice
from freehold.project.layers import Merged
from freehold.project.mcp import McpSpec, mcp_of
from freehold.project.models import ModelSpec, model_of
from freehold.project.notices import Channel, channel_of
from freehold.project.problems import KeyPath, Reporter
from freehold.project.server_tools import server_tools_of
from freehold.project.shape import fit
from freehold.project.webhooks import WebhookSource, source_of


@dataclass(frozen=True)
class LocalConfig:
    """How runs run. `written` are the container keys that the user set; they mean nothing beside `host-user`."""

    engine: str
    network: str
    image: str
    memory_bytes: int
    cpus: float
    timeout_s: int
    written: tuple[str, ...] = ()


@dataclass(frozen=True)
class GatewayConfig:
    port: int
    url: str
    max_chat_sessions: int


@dataclass(frozen=True)
class TelemetryConfig:
    enabled: bool
    provider: str
    endpoint: str
    service_name: str
    headers: tuple[tuple[str, Secret], ...]
    sampling_rate: float | None


@dataclass(frozen=True)
class ServerConfig:
    """`[server]` of an environment: where the project is pushed to; provider ids are kept as they were written."""

    host: str
    user: str
    port: int
    key_path: str
    base_path: str
    expose: bool
    provider: str
    host_key: str
    ids: tuple[tuple[str, str | int], ...]
    hostname: str = ""
    proxy_networks: tuple[str, ...] = ()
    only_cloudflare: bool = False


@dataclass(frozen=True)
class ProjectConfig:
    """Everything that `config.toml` and the files over it say. Times are seconds; None means no limit."""

    models: Mapping[str, ModelSpec]
    local: LocalConfig
    gateway: GatewayConfig
    webhooks: Mapping[str, WebhookSource]
    mcp: Mapping[str, McpSpec]
    telemetry: TelemetryConfig
    budget: Budget
    harness: HarnessChoice
    egress: tuple[str, ...]
    server_tools: tuple[str, ...]
    permissions: str
    permission_deadline_s: int
    permission_default: str
    notices: Mapping[str, Channel]
    max_reruns: int
    max_call_depth: int
    work_queue_size: int
    lock_timeout_s: int
    scale: int | None
    default_agent_scale: int
    history_days: int
    database_url: Secret | None = None
    """It may hold a password; None means SQLite."""
    server: ServerConfig | None = None


def config_of(merged: Merged, report: Reporter) -> ProjectConfig:
    """The configuration in `merged`; what is wrong is reported, and stands at its default or is left out."""
    values = fit(merged.table, (*keys.PROJECT_KEYS, keys.SERVER, keys.PROVISION), report, gone=keys.PROJECT_GONE)
    models = {name: model_of(name, table, report) for name, table in values["models"].items()}
    sources = {name: source_of(name, table, report) for name, table in values["webhooks"].items()}
    servers = {name: mcp_of(name, table, report) for name, table in values["mcp"].items()}
    channels = {name: channel_of(name, table, report) for name, table in values["notices"].items()}
    return ProjectConfig(
        models={name: model for name, model in models.items() if model},
        local=_local(values["local"], merged.table.get("local"), report),
        gateway=_gateway(values["gateway"], report),
        webhooks={name: source for name, source in sources.items() if source},
        mcp={name: server for name, server in servers.items() if server},
        telemetry=_telemetry(values["telemetry"], report),
        budget=budget_of(values["budget"]),
        harness=harness_of(values["harness"], report) or HarnessChoice(),
        egress=egress_of(values["egress"], report),
        server_tools=server_tools_of(values["server_tools"], report),
        permissions=values["permissions"] or "allow",
        permission_deadline_s=values["permission_deadline"] or 300,
        permission_default=values["permission_default"] or "deny",
        notices={name: channel for name, channel in channels.items() if channel},
        max_reruns=values["maxReruns"],
        max_call_depth=values["maxCallDepth"],
        work_queue_size=values["workQueueSize"],
        lock_timeout_s=values["resourceLockTimeout"],
        scale=values["scale"],
        default_agent_scale=values["defaultAgentScale"],
        history_days=values["historyRetentionDays"],
        database_url=Secret(values["database_url"]) if values["database_url"] else None,
        server=server_config(values["server"]) if "server" in merged.table else None,
    )


def harness_of(written: Any, report: Reporter, at: KeyPath = ("harness",)) -> HarnessChoice | None:
    """The harness that a checked `harness` key names; None when it says nothing."""
    if written is None:
        return None
    if isinstance(written, str):
        return HarnessChoice(BUILTIN if written == SAME_AS_BUILTIN else written)
    command = tuple(written["command"])
    if written["type"]:
        return HarnessChoice()
    if not command or not all(command):
        report.error(
            (*at, "command"), 'names no program; write for example harness = { command = ["my-agent", "--acp"] }'
        )
        return None
    return HarnessChoice(COMMAND, command)


def _local(values: Mapping[str, Any], written: Any, report: Reporter) -> LocalConfig:
    repository = str(values["image"]).partition(":")[0]
    image = values["image"]
    if repository in names.SAME_AS_BASE_IMAGE:
        image = f"{names.BASE_IMAGE}:latest"
    elif not image or any(character.isspace() for character in image):
        report.error(("local", "image"), "is not the name of an image")
    container_keys = ("image", "memory", "cpus")
    return LocalConfig(
        engine=values["engine"],
        network=values["network"],
        image=image,
        memory_bytes=values["memory"],
        cpus=float(values["cpus"]),
        timeout_s=values["timeout"],
        written=tuple(key for key in container_keys if isinstance(written, Mapping) and key in written),
    )


def _gateway(values: Mapping[str, Any], report: Reporter) -> GatewayConfig:
    if values["port"] > 65535:
        report.error(("gateway", "port"), f"must be at most 65535, not {values['port']}")
    if "0.0.0.0" in (values["url"] or ""):  # noqa: S104  a mistake that is looked for, not an address to listen on
        report.warning(("gateway", "url"), "0.0.0.0 is not an address that others can reach; name the host")
    return GatewayConfig(values["port"], values["url"] or "", values["maxChatSessions"])


def _telemetry(values: Mapping[str, Any], report: Reporter) -> TelemetryConfig:
    rate = values["samplingRate"]
    if rate is not None and rate > 1:
        report.error(("telemetry", "samplingRate"), f"must be at most 1, not {rate}")
    return TelemetryConfig(
        enabled=values["enabled"],
        provider=values["provider"],
        endpoint=values["endpoint"] or "",
        service_name=values["serviceName"] or "",
        headers=tuple((name, Secret(value)) for name, value in sorted(values["headers"].items())),
        sampling_rate=rate,
    )


def server_config(values: Mapping[str, Any]) -> ServerConfig:
    """`values` as `shape.fit` makes them of `keys.SERVER_KEYS`."""
    named = {
        "host", "user", "port", "keyPath", "basePath", "expose", "provider", "hostKey", "hostname", "proxyNetworks",
        "onlyCloudflare",
    }  # fmt: skip
    return ServerConfig(
        host=values["host"] or "",
        user=values["user"],
        port=values["port"],
        key_path=values["keyPath"] or "",
        base_path=values["basePath"],
        expose=values["expose"],
        provider=values["provider"] or "",
        host_key=values["hostKey"] or "",
        ids=tuple((key, value) for key, value in values.items() if key not in named and value is not None),
        hostname=values["hostname"] or "",
        proxy_networks=tuple(values["proxyNetworks"] or ()),
        only_cloudflare=values["onlyCloudflare"],
    )
