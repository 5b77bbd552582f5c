"""The systemd units of a project: the socket that is always open, the gateway behind it, the keeper. Pure.

The socket is systemd's, so that a connection which comes while the gateway is replaced waits, and is not refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from freehold.server.layout import Layout
from freehold.server.variables import variables

_MARK = "# Written by freehold; it is written anew by the next push."
_CAGE = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectProc=invisible",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
    "UMask=0027",
    "LimitNOFILE=65536",
)
"""Of both services; systemd.exec(5). Without capabilities and new privileges, neither becomes root by any program."""


@dataclass(frozen=True)
class Listening:
    """Where the gateway is reached: `port` on `address`, 127.0.0.1 where an edge is in front of it."""

    port: int = 8080
    address: str = "127.0.0.1"

    @property
    def stream(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def socket_unit(layout: Layout, listening: Listening) -> str:
    return _text(
        ("Unit", [f"Description=Freehold project {layout.project}: where it listens"]),
        (
            "Socket",
            [f"ListenStream={listening.stream}", "NoDelay=yes", "Backlog=4096", f"Service={layout.service}"],
        ),
        ("Install", ["WantedBy=sockets.target"]),
    )


def service_unit(layout: Layout) -> str:
    """The gateway and the scheduler. Ended, it has half a minute for what it is answering; runs are the keeper's."""
    return _text(
        (
            "Unit",
            [
                f"Description=Freehold project {layout.project}: gateway and scheduler",
                f"Requires={layout.socket}",
                f"Wants=network-online.target {layout.keeper}",
                f"After=network-online.target {layout.socket} {layout.keeper}",
                "StartLimitIntervalSec=0",
            ],
        ),
        (
            "Service",
            [
                *_who(layout.user, layout.user),
                *_environment(layout, layout.gateway_home),
                f"ExecStart={layout.program}/bin/freehold -p {layout.current} start --headless --web",
                "Restart=always",
                "RestartSec=2",
                "TimeoutStopSec=30",
                f"ReadWritePaths={layout.gateway_state} {layout.gateway_home}",
                f"InaccessiblePaths=-/run/docker.sock -{layout.keeper_home}",
                *_CAGE,
            ],
        ),
        ("Install", ["WantedBy=multi-user.target"]),
    )


def keeper_unit(layout: Layout) -> str:
    """The one that may use Docker, and that equals being root on this server: nobody else's programs run as this user.
    What it started goes on in containers when it ends, and the next one takes it over."""
    return _text(
        (
            "Unit",
            [
                f"Description=Freehold project {layout.project}: keeper of its runs",
                "Wants=docker.service",
                "After=docker.service",
                "StartLimitIntervalSec=0",
            ],
        ),
        (
            "Service",
            [
                *_who(layout.keeper_user, layout.user),
                "SupplementaryGroups=docker",
                *_environment(layout, layout.keeper_home),
                f"ExecStart={layout.program}/bin/freehold -p {layout.current} keeper run",
                "Restart=always",
                "RestartSec=2",
                "TimeoutStopSec=30",
                f"ReadWritePaths={layout.keeper_state} {layout.keeper_home}",
                *_CAGE,
            ],
        ),
        ("Install", ["WantedBy=multi-user.target"]),
    )


def _who(user: str, group: str) -> Sequence[str]:
    return ("Type=exec", f"User={user}", f"Group={group}")


def _environment(layout: Layout, home: str) -> Sequence[str]:
    return [f"Environment={name}={value}" for name, value in variables(layout, home).items()]


def _text(*sections: tuple[str, Sequence[str]]) -> str:
    parts = [f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in sections]
    return f"{_MARK}\n" + "\n".join(parts)
