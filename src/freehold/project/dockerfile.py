"""What the project needs to know of a Dockerfile: does it do anything, and does it speak to the wrong distribution?"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONTINUED = re.compile(r"\\[ \t]*$")
_APK = re.compile(r"\bapk\b(?:\s+--?[\w-]+(?:=\S+)?)*\s+add\b(?P<rest>[^;&|]*)")
_OPTIONS_WITH_VALUE = frozenset({"-t", "--virtual", "-X", "--repository", "-p", "--root"})
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


@dataclass(frozen=True)
class ApkLine:
    """An `apk add`: the line where its instruction begins (from 1), and the packages it names."""

    line: int
    packages: tuple[str, ...]

    @property
    def apt_line(self) -> str:
        """The instruction to write instead; package names are translated where they are known to differ."""
        names = dict.fromkeys(debian for package in self.packages if (debian := debian_name(package)))
        install = " ".join(["apt-get install -y --no-install-recommends", *names])
        return f"RUN apt-get update && {install} && rm -rf /var/lib/apt/lists/*"


def says_more_than_from(text: str) -> bool:
    """Whether there is an instruction besides one FROM: only then is a project's Dockerfile an image of its own."""
    instructions = [line for _, line in logical_lines(text)]
    return len(instructions) > 1 or any(not line.upper().startswith("FROM") for line in instructions)


def apk_lines(text: str) -> list[ApkLine]:
    """Every `apk add` in a Dockerfile."""
    return [
        ApkLine(number, _packages(match["rest"]))
        for number, line in logical_lines(text)
        for match in _APK.finditer(line)
    ]


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


def logical_lines(text: str) -> list[tuple[int, str]]:
    """Instructions, continued lines joined and comments dropped, with the number of their first line."""
    lines: list[tuple[int, str]] = []
    parts: list[str] = []
    begin = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if not parts:
            begin = number
        parts.append(_CONTINUED.sub("", line).strip())
        if not _CONTINUED.search(line):
            lines.append((begin, " ".join(parts)))
            parts = []
    if parts:
        lines.append((begin, " ".join(parts)))
    return lines


def _packages(rest: str) -> tuple[str, ...]:
    packages = []
    words = iter(rest.split())
    for word in words:
        if word in _OPTIONS_WITH_VALUE:
            next(words, None)
        elif not word.startswith(("-", "$", ".")):
            packages.append(word.strip("\"'"))
    return tuple(packages)
