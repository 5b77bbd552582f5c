"""What Alpine calls packages, and what to write for Debian instead."""

from __future__ import annotations

import re
from collections.abc import Iterable

_VERSION = re.compile(r"[<>=~].*$")

_DEBIAN_NAMES = {
    "aws-cli": "awscli",
    "bind-tools": "dnsutils",
    "build-base": "build-essential",
    "docker-cli": "docker.io",
    "fd": "fd-find",
    "font-noto": "fonts-noto-core",
    "github-cli": "gh",
    "go": "golang-go",
    "iputils": "iputils-ping",
    "libc6-compat": "",
    "linux-headers": "linux-libc-dev",
    "musl-dev": "libc6-dev",
    "mysql-client": "default-mysql-client",
    "openjdk17": "openjdk-17-jdk-headless",
    "openjdk21": "openjdk-21-jdk-headless",
    "openssl-dev": "libssl-dev",
    "postgresql-dev": "libpq-dev",
    "py3-pip": "python3-pip",
    "redis": "redis-tools",
    "rust": "rustc",
    "shadow": "passwd",
    "sqlite": "sqlite3",
    "sqlite-dev": "libsqlite3-dev",
    "su-exec": "gosu",
    "the_silver_searcher": "silversearcher-ag",
    "ttf-freefont": "fonts-freefont-ttf",
    "zlib-dev": "zlib1g-dev",
}
"""Packages whose names differ between Alpine and Debian; the empty name means that Debian needs none."""

_PREFIXES = {"py3-": "python3-"}
_SAME_WITH_DEV = frozenset({"python3-dev", "ruby-dev", "libpq-dev"})


def apt_line(packages: Iterable[str]) -> str:
    """The instruction that installs Alpine's `packages` in Debian; names are translated where they differ."""
    names = dict.fromkeys(debian for package in packages if (debian := debian_name(package)))
    install = " ".join(["apt-get install -y --no-install-recommends", *(names or ["PACKAGE"])])
    return f"RUN apt-get update && {install} && rm -rf /var/lib/apt/lists/*"


def debian_name(package: str) -> str:
    """What Debian calls an Alpine package; the same name where nothing else is known."""
    name = _VERSION.sub("", package).partition("@")[0]
    if name in _DEBIAN_NAMES:
        return _DEBIAN_NAMES[name]
    for alpine, debian in _PREFIXES.items():
        if name.startswith(alpine):
            return debian + name.removeprefix(alpine)
    if name.endswith("-dev") and not name.startswith("lib") and name not in _SAME_WITH_DEV:
        return f"lib{name}"
    return name
