"""What is known of a server before anything is done to it, and the one question that tells it (pure).

The question is a POSIX shell program, because nothing else is sure to be there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from freehold.server import hardening
from freehold.server.hardening import Hardening, read_hardening

PROBE = f"""\
say() {{ printf '%s=%s\\n' "$1" "$2"; }}
say clock "$(date +%s.%N)"
say uid "$(id -u)"
( . /etc/os-release && say os "$ID" && say os_version "$VERSION_ID" ) 2>/dev/null
say architecture "$(uname -m)"
say init "$(cat /proc/1/comm 2>/dev/null)"
say systemd "$(systemctl is-system-running 2>/dev/null)"
say python "$(python3 -c 'import platform; print(platform.python_version())' 2>/dev/null)"
say docker_program "$(command -v docker 2>/dev/null)"
say docker "$(docker version --format '{{{{.Server.Version}}}}' 2>/dev/null)"
say apt "$(command -v apt-get 2>/dev/null)"
say time_sync "$(timedatectl show --property=NTPSynchronized --value 2>/dev/null)"
places='/var /var/lib/docker /var/lib/freehold /opt /opt/freehold'
set -- $(df -Pk $places 2>/dev/null | tail -n +2 | sort -n -k 4,4 | head -n 1)
say disk_kb "$2"; say disk_free_kb "$4"; say disk_at "$6"
set -- $(df -Pi $places 2>/dev/null | tail -n +2 | sort -n -k 4,4 | head -n 1)
say files "$2"; say files_free "$4"
set -- $(grep MemTotal: /proc/meminfo 2>/dev/null)
say memory_kb "$2"
{hardening.PROBE}"""
_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True)
class ServerFacts:
    """Zero and the empty string stand for what could not be told. `is_root` says whether the asker was root, by sudo or
    by itself; what is the reason otherwise is in `sudo_problem`. `clock_skew_s` is how far the server's clock is ahead,
    as far as the time of the question tells. `ports` are what was tried from here: port to `open`, `closed` (nobody
    listens, and nothing keeps us out) or `silent`. The disk is the fullest of those that a project is on, and `disk_at`
    where it is mounted."""

    is_root: bool = True
    sudo_problem: str = ""
    os: str = ""
    os_version: str = ""
    architecture: str = ""
    init: str = ""
    systemd: str = ""
    python: tuple[int, int] = (0, 0)
    docker_program: str = ""
    docker: str = ""
    has_apt: bool = False
    time_sync: str = ""
    clock_skew_s: float = 0.0
    disk_bytes: int = 0
    disk_free_bytes: int = 0
    disk_at: str = ""
    files: int = 0
    files_free: int = 0
    memory_bytes: int = 0
    ports: tuple[tuple[int, str], ...] = ()
    gateway: str = ""
    """How the project's gateway answered: `ok`, what it said instead, or empty when there is none to ask."""
    gateway_problems: tuple[str, ...] = ()
    """What it says is wrong with the project."""
    hardening: Hardening = field(default_factory=Hardening)


def read_facts(
    text: str, asked_at: float, answered_at: float, *, sudo_problem: str = "", ports: tuple[tuple[int, str], ...] = (),
    gateway: str = "", gateway_problems: tuple[str, ...] = (),
) -> ServerFacts:  # fmt: skip
    """What `PROBE` said between two moments of this machine's clock, in seconds since 1970."""
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    version = _VERSION.match(said.get("python", ""))
    return ServerFacts(
        is_root=said.get("uid") == "0",
        sudo_problem=sudo_problem,
        os=said.get("os", ""),
        os_version=said.get("os_version", ""),
        architecture=said.get("architecture", ""),
        init=said.get("init", ""),
        systemd=said.get("systemd", ""),
        python=(int(version[1]), int(version[2])) if version else (0, 0),
        docker_program=said.get("docker_program", ""),
        docker=said.get("docker", ""),
        has_apt=bool(said.get("apt")),
        time_sync=said.get("time_sync", ""),
        clock_skew_s=_skew(said.get("clock", ""), asked_at, answered_at),
        disk_bytes=_number(said.get("disk_kb")) * 1024,
        disk_free_bytes=_number(said.get("disk_free_kb")) * 1024,
        disk_at=said.get("disk_at", ""),
        files=_number(said.get("files")),
        files_free=_number(said.get("files_free")),
        memory_bytes=_number(said.get("memory_kb")) * 1024,
        ports=ports,
        gateway=gateway,
        gateway_problems=gateway_problems,
        hardening=read_hardening(said),
    )


def _skew(clock: str, asked_at: float, answered_at: float) -> float:
    """The least by which its clock must be wrong: it was read at some moment between the two."""
    try:
        there = float(clock.replace(".%N", ""))  # a `date` without nanoseconds repeats the letter
    except ValueError:
        return 0.0
    if there > answered_at:
        return there - answered_at
    return min(0.0, there + 1.0 - asked_at) if there == int(there) else min(0.0, there - asked_at)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
