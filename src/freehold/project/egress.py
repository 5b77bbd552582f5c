"""Which hosts a run may reach: patterns, and the hosts that are open to every agent on the allow-list."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

PACKAGE_REGISTRIES = ("pypi.org", "files.pythonhosted.org", "registry.npmjs.org")
"""The registries of the clients in the base image, pip and npm (design, "A run meets the world through one directory");
an agent whose own Dockerfile brings another client lists its registry in `egress`."""

_HOST = re.compile(
    r"^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)+$"
)


def pattern_problem(pattern: str) -> str:
    """Why `pattern` is not a host pattern (`api.example.com` or `*.example.com`); the empty string when it is one."""
    if "://" in pattern or "/" in pattern:
        return 'name the host alone, without scheme and path, for example "api.example.com"'
    if ":" in pattern and not pattern.startswith("["):
        return "name the host without a port; 443 is open, and 22 to an agent that holds git_ssh"
    host = pattern.removeprefix("*.")
    if _is_address(host):
        return "addresses cannot be listed, only names: the server is known by the name in its certificate"
    if "*" in host:
        return 'a star stands only at the beginning: "*.example.com"'
    if not _HOST.match(host.lower().rstrip(".")):
        return 'is not a host name; write "api.example.com" or "*.example.com"'
    return ""


def normal_host(host: str) -> str:
    """Lower case, without the final dot."""
    return host.lower().rstrip(".")


def matches(host: str, pattern: str) -> bool:
    """Whether `pattern` covers `host`: exactly, or by `*.suffix`, which does not cover the suffix itself."""
    host, pattern = normal_host(host), normal_host(pattern)
    return host.endswith(pattern[1:]) and host != pattern[2:] if pattern.startswith("*.") else host == pattern


def is_allowed(host: str, patterns: Iterable[str]) -> bool:
    return any(matches(host, pattern) for pattern in patterns)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
