"""An environment: a server that projects are pushed to, as its file describes it (pure).

`~/.freehold/environments/<name>.toml` has `[server]`, `[gateway]`, `[telemetry]`, `[provision]` where Freehold made
the server, and any key of a project's configuration, which it lays over the project's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freehold.project import keys
from freehold.project.config import ServerConfig, server_config
from freehold.project.host_key import Pin
from freehold.project.names import LOCAL, environment_name_problem
from freehold.project.problems import Problems, Reporter, shown
from freehold.project.provision import Provision, provision_of
from freehold.project.shape import fit

TO_BE_FILLED_IN = "REPLACE_ME"
"""What `env init` writes as the host."""
_HOST = re.compile(r"[A-Za-z0-9._:%\[\]-]{1,255}")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@+-]{0,63}\$?")


@dataclass(frozen=True)
class Environment:
    """`server` is None where the file has none; `user_written` and `port_written` say whether the file names them: else
    `~/.ssh/config` does. `gateway_url` is where its gateway is asked without SSH; mostly empty."""

    name: str
    server: ServerConfig | None
    user_written: bool
    port_written: bool
    pin: Pin | None
    gateway_url: str
    gateway_port: int
    provision: Provision | None = None

    @property
    def has_server(self) -> bool:
        return self.server is not None and bool(self.server.host)


def environment_of(name: str, table: Mapping[str, Any], file: str, problems: Problems) -> Environment:
    """What the file's table says. Mistakes in `[server]` and `[gateway]` are reported as errors of `file`; those in the
    rest are told where a project is loaded with it."""
    report = Reporter(problems, lambda _path: file)
    written = table.get("server")
    values = fit({"server": written} if written is not None else {}, (keys.SERVER,), report)["server"]
    server = server_config(values) if isinstance(written, Mapping) else None
    gateway = fit({"gateway": table.get("gateway", {})}, (keys.GATEWAY,), report)["gateway"]
    table_of_server = written if isinstance(written, Mapping) else {}
    return Environment(
        name=name,
        server=server,
        user_written="user" in table_of_server,
        port_written="port" in table_of_server,
        pin=_checked(server, report) if server else None,
        gateway_url=gateway["url"] or "",
        gateway_port=gateway["port"],
        provision=_provision(table, report),
    )


def name_problem(name: str) -> str:
    """Why `name` cannot be an environment's; empty when it can."""
    if name == LOCAL:
        return f'"{LOCAL}" means the project on this machine; choose another name'
    return environment_name_problem(name)


def _provision(table: Mapping[str, Any], report: Reporter) -> Provision | None:
    written = table.get("provision")
    if written is None:
        return None
    return provision_of(fit({"provision": written}, (keys.PROVISION,), report)["provision"], report)


def _checked(server: ServerConfig, report: Reporter) -> Pin | None:
    if server.hostname and not _HOST.fullmatch(server.hostname):
        report.error(("server", "hostname"), f"{shown(server.hostname)} is no name")
    if server.host == TO_BE_FILLED_IN:
        report.error(("server", "host"), "is still to be filled in")
    elif server.host and (server.host.startswith("-") or not _HOST.fullmatch(server.host)):
        report.error(("server", "host"), f"{shown(server.host)} is neither a name nor an address")
    if not _USER.fullmatch(server.user):
        report.error(("server", "user"), f"{shown(server.user)} is not the name of a user")
    if server.port > 65535:
        report.error(("server", "port"), f"must be at most 65535, not {server.port}")
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", server.base_path) or ".." in server.base_path.split("/"):
        report.error(("server", "basePath"), f"{shown(server.base_path)} must be like /opt/freehold")
    if not server.host_key:
        return None
    try:
        return Pin.parse(server.host_key)
    except ValueError as error:
        report.error(("server", "hostKey"), str(error))
        return None
