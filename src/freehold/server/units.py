"""The systemd units of a project: the socket that is always open, the gateway behind it, the keeper. Pure.

The socket is systemd's, so that a connection which comes while the gateway is replaced waits, and is not refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from freehold.server.layout import Layout
from freehold.server.unit_word import command_word, unit_word

MARK = "# Written by freehold; it is written anew by the next push."
_HOMES = ("/home/", "/root/", "/run/user/")
_NO_HOMES = "ProtectHome=yes"
_CAGE = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    _NO_HOMES,
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectProc=invisible",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
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
"""Of both services; systemd.exec(5). Without capabilities and new privileges, neither becomes root by any program. By
netlink the egress proxy asks the kernel where a packet would go (`egress/route.py`), and refuses what it cannot ask."""


@dataclass(frozen=True)
class Listening:
    """Where the gateway is reached: `port` on `address`, 127.0.0.1 where an edge is in front of it. An empty one stands
    for every address of the machine."""

    port: int = 8080
    address: str = "127.0.0.1"

    @property
    def stream(self) -> str:
        if not self.address:
            return str(self.port)
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


def service_unit(layout: Layout, *, expose: bool = False) -> str:
    """The gateway and the scheduler. Ended, it has half a minute for what it is answering; runs are the keeper's. With
    `expose` it answers to the machine's own names, too."""
    hidden = [layout.keeper_home] if layout.keeper_home != layout.gateway_home else []
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
                *_who(layout.user, layout.group),
                *_environment(layout, layout.gateway_home),
                f"ExecStart={_freehold(layout, 'start', '--headless', '--web', *(['--expose'] if expose else []))}",
                "Restart=always",
                "RestartSec=2",
                "TimeoutStopSec=30",
                f"ReadWritePaths={_paths(layout.gateway_state, layout.gateway_home)}",
                f"InaccessiblePaths=-/run/docker.sock {_paths(*hidden, before='-')}".rstrip(),
                *_cage(layout),
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
                *_who(layout.keeper_user, layout.group),
                "SupplementaryGroups=docker",
                *_environment(layout, layout.keeper_home),
                f"ExecStart={_freehold(layout, 'keeper', 'run')}",
                "Restart=always",
                "RestartSec=2",
                "TimeoutStopSec=30",
                f"ReadWritePaths={_paths(layout.keeper_state, layout.keeper_home)}",
                *_cage(layout),
            ],
        ),
        ("Install", ["WantedBy=multi-user.target"]),
    )


def _who(user: str, group: str) -> Sequence[str]:
    return ("Type=exec", f"User={user}", f"Group={group}")


def _environment(layout: Layout, home: str) -> Sequence[str]:
    return [f"Environment={unit_word(f'{name}={value}')}" for name, value in layout.variables(home).items()]


def _freehold(layout: Layout, *words: str) -> str:
    return " ".join(command_word(word) for word in (f"{layout.program}/bin/freehold", "-p", layout.current, *words))


def _paths(*paths: str, before: str = "") -> str:
    return " ".join(unit_word(f"{before}{path}") for path in dict.fromkeys(paths))


def _cage(layout: Layout) -> Sequence[str]:
    """Where a project or its program lies in somebody's home, homes can be read, as far as their files allow it."""
    lies_in = (layout.program, layout.current, layout.gateway_state, layout.gateway_home)
    if not any(f"{path}/".startswith(_HOMES) for path in lies_in):
        return _CAGE
    return [line if line != _NO_HOMES else "ProtectHome=read-only" for line in _CAGE]


def _text(*sections: tuple[str, Sequence[str]]) -> str:
    parts = [f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in sections]
    return f"{MARK}\n" + "\n".join(parts)
