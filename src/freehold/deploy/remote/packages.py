"""Debian packages that are missing: asked for, and installed while nobody else does."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock")
FLOCK = "hhqqi4x"
"""`struct flock` of Linux on machines of 64 bits (fcntl(2)): type, whence, start, length, process."""
OPTIONS = ("-o", "DPkg::Lock::Timeout=60", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20",
           "-o", "Acquire::https::Timeout=20")  # fmt: skip


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """Which packages are installed whole, which programs are there, and what system it is."""
    return {
        "installed": installed(asked["packages"]),
        "programs": [program for program in asked["programs"] if shutil.which(program, path=PATH)],
        "apt": shutil.which("apt-get", path=PATH) is not None,
        "system": system(),
    }


def main(document: dict[str, Any]) -> dict[str, Any]:
    """Who holds apt, when somebody does; else they are installed."""
    holder = held_by()
    if holder:
        return {"held_by": holder}
    update = apt("update", "-o", "APT::Update::Error-Mode=any")
    # One that was cut off leaves packages unpacked and not set up, and apt does nothing before they are.
    run("dpkg", "--configure", "-a")
    install = apt("--no-install-recommends", "install", *document["packages"])
    if install.returncode and held_by():
        return {"held_by": held_by()}
    if install.returncode:
        return {"held_by": "", "failed": last(install), "no_archive": last(update) if update.returncode else ""}
    return {"held_by": ""}


def installed(packages: list[str]) -> list[str]:
    try:
        done = run("dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages)
    except FileNotFoundError:
        return []
    lines = (line.split() for line in done.stdout.decode(errors="replace").splitlines())
    return sorted(words[0] for words in lines if words[1:] == ["installed"])


def system() -> str:
    """`debian 12`; empty for what says nothing of itself."""
    try:
        lines = Path("/etc/os-release").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    said = {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines)}
    return f"{said.get('ID', '')} {said.get('VERSION_ID', '')}".strip()


def held_by() -> str:
    """`unattended-upgr (process 812)`; empty when nobody holds a lock of apt's."""
    for path in LOCKS:
        try:
            lock = os.open(path, os.O_RDWR)
        except OSError:
            continue
        try:
            asked = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, process = struct.unpack(FLOCK, fcntl.fcntl(lock, fcntl.F_GETLK, asked))
        finally:
            os.close(lock)
        if kind != fcntl.F_UNLCK:
            return f"{program_of(process)} (process {process})"
    return ""


def program_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text(errors="replace").strip()
    except OSError:
        return "another program"


def apt(*words: str) -> subprocess.CompletedProcess[bytes]:
    keep = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
    return run("apt-get", "--yes", "--quiet", *OPTIONS, *keep, *words)


def run(*words: str) -> subprocess.CompletedProcess[bytes]:
    room = {
        **os.environ, "PATH": PATH, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l",
        "APT_LISTCHANGES_FRONTEND": "none",
    }  # fmt: skip
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=room, check=False
    )


def last(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("E:")] or lines
    return told[-1].removeprefix("E: ") if told else f"exit code {done.returncode}"
