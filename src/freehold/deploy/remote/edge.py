"""On the server: what its HAProxy is and serves; and a change of that, which counts whole or not at all.

`paths` of every document are those of `server/layout.py`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from freehold.deploy.remote.refused import Refused

PORTS = (80, 443)
OURS = "# Written by freehold"
TAKES_OVER_WITHIN_S = 30.0
CERTIFICATES = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?")


def read(asked: dict[str, Any]) -> dict[str, Any]:
    paths = asked["paths"]
    said = info(paths["admin"])
    version = re.search(r"\d+\.\d+\.\d+", said.get("Version") or run("haproxy", "-v")[1])
    text = text_of(paths["configuration"])
    unit = run("systemctl", "show", "haproxy.service", "-p", "ActiveState", "-p", "UnitFileState")[1].split()
    return {
        "haproxy": version[0] if version else "",
        "active": "ActiveState=active" in unit,
        "enabled": "UnitFileState=enabled" in unit,
        "running": said.get("description", ""),
        "configuration": text,
        "stock": text is None or (not text.startswith(OURS) and is_stock(paths["configuration"], text)),
        "fragments": {path.name: text_of(path) or "" for path in sorted(Path(paths["fragments"]).glob("*.json"))},
        "certificates": certificates(paths["certificates"]),
        "listeners": listeners(),
        "ipv6": Path("/proc/net/if_inet6").exists(),
    }


def main(document: dict[str, Any]) -> dict[str, Any]:
    """Answers `{"stale": true}`, having done nothing, when it is not as it was `seen` any more."""
    os.umask(0o077)
    with lock(document["paths"]):
        now = read(document)
        if seen(now) != document["seen"]:
            return {"stale": True}
        change(document, now)
    return {"stale": False}


def seen(facts: dict[str, Any]) -> str:
    """What a change was thought out by. The same is done at home (`deploy/edge_facts.py`)."""
    parts = [facts["fragments"], facts["certificates"], facts["configuration"]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def change(document: dict[str, Any], now: dict[str, Any]) -> None:
    paths, project = document["paths"], document["project"]
    touched = {Path(paths["fragments"], project + ".json"): document["fragment"]}
    if document["certificate"] or document["drop_certificate"]:
        touched[Path(paths["certificates"], project + ".pem")] = document["certificate"]
    configuration = Path(paths["configuration"])
    before = {path: content_of(path) for path in (*touched, configuration)}
    try:
        for path, text in touched.items():
            replace(path, text, mode=0o600 if path.suffix == ".pem" else 0o644)
        if document["configuration"] is None:
            end(paths, now)
        else:
            serve(document, now)
    except BaseException:
        for path, content in before.items():
            replace(path, content, mode=0o600 if path.suffix == ".pem" else 0o644)
        with contextlib.suppress(Refused):  # the first failure is the one to be told
            put_back(now)
        raise
    if document["configuration"] is None:
        shutil.rmtree(kept_in(paths), ignore_errors=True)
    if document["fragment"] is None:
        Path(paths["certificates"], project + ".key").unlink(missing_ok=True)
        for folder in (paths["fragments"], paths["certificates"]):
            with contextlib.suppress(OSError):  # another project's file is in it
                os.rmdir(folder)


def serve(document: dict[str, Any], now: dict[str, Any]) -> None:
    """The new configuration, once HAProxy has found it right, and until the running one says that it is it."""
    paths = document["paths"]
    configuration = Path(paths["configuration"])
    candidate = configuration.with_name(configuration.name + ".freehold-new")
    replace(candidate, document["configuration"])
    try:
        status, said = run("haproxy", "-c", "-f", str(candidate))
        if status:
            raise Refused("failed", "HAProxy does not take its new configuration: " + complaint(said))
        if document["keep"]:
            keep(paths, now)
        os.replace(candidate, configuration)
        sync(configuration.parent)
    finally:
        candidate.unlink(missing_ok=True)
    go_on("reload" if now["active"] else "restart")
    if not now["enabled"]:
        systemctl("enable")
    until_it_says(paths["admin"], document["description"])


def end(paths: dict[str, str], now: dict[str, Any]) -> None:
    """As it was before the first project came."""
    kept = kept_in(paths)
    told = text_of(kept / "state.json")
    state = json.loads(told) if told else {"active": False, "enabled": False}
    replace(Path(paths["configuration"]), content_of(kept / "haproxy.cfg"))
    put_back({"active": state["active"], "enabled": state["enabled"] and now["enabled"]})


def put_back(before: dict[str, Any]) -> None:
    if before["active"]:
        go_on("reload" if run("systemctl", "is-active", "haproxy")[0] == 0 else "restart")
    else:
        systemctl("stop")
    if not before["enabled"]:
        systemctl("disable")


def keep(paths: dict[str, str], now: dict[str, Any]) -> None:
    """What somebody else wrote, and how it ran. A second time (ours was edited) only the text."""
    kept, content = kept_in(paths), content_of(Path(paths["configuration"]))
    if kept.exists():
        replace(Path(paths["configuration"] + ".replaced"), content)
        return
    fresh = kept.with_name(kept.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    replace(fresh / "haproxy.cfg", content)
    replace(fresh / "state.json", json.dumps({"active": now["active"], "enabled": now["enabled"]}))
    os.rename(fresh, kept)
    sync(kept.parent)


def kept_in(paths: dict[str, str]) -> Path:
    return Path(paths["fragments"]).with_name("edge.before")


def go_on(verb: str) -> None:
    status, said = run("systemctl", verb, "haproxy")
    if status:
        _, journal = run("journalctl", "-u", "haproxy", "-n", "8", "-o", "cat", "--no-pager")
        raise Refused("failed", "HAProxy cannot " + verb + ": " + complaint(journal or said))


def systemctl(verb: str) -> None:
    status, said = run("systemctl", verb, "haproxy")
    if status:
        raise Refused("failed", "systemctl " + verb + " haproxy: " + complaint(said))


def until_it_says(admin: str, description: str) -> None:
    """A reload has happened when who answers is the new one: systemctl does not wait for it."""
    ends = time.monotonic() + TAKES_OVER_WITHIN_S
    while info(admin).get("description") != description:
        if time.monotonic() > ends:
            _, journal = run("journalctl", "-u", "haproxy", "-n", "8", "-o", "cat", "--no-pager")
            raise Refused("failed", "HAProxy does not take up its new configuration: " + complaint(journal))
        time.sleep(0.05)


def info(admin: str) -> dict[str, str]:
    """What the running HAProxy says of itself; nothing when none answers."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(admin)
            connection.sendall(b"show info\n")
            said = b""
            while piece := connection.recv(65536):
                said += piece
    except OSError:
        return {}
    return dict(line.split(": ", 1) for line in said.decode("utf-8", "replace").splitlines() if ": " in line)


def is_stock(path: str, text: str) -> bool:
    """Whether it is the one that came with the package."""
    _, said = run("dpkg-query", "-W", "-f", "${Conffiles}", "haproxy")
    came = dict(line.split()[:2] for line in said.splitlines() if len(line.split()) >= 2)
    return came.get(path) == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def certificates(folder: str) -> dict[str, Any]:
    """By project: the certificates, never the key, and whether only root can read the file."""
    found = {}
    for path in sorted(Path(folder).glob("*.pem")):
        state = path.stat()
        pem = "".join(one[0] for one in CERTIFICATES.finditer(text_of(path) or ""))
        found[path.stem] = {"pem": pem, "closed": state.st_uid == os.geteuid() and state.st_mode & 0o077 == 0}
    return found


def listeners() -> dict[str, list[str]]:
    """The programs that listen at each of `PORTS`, sorted; `?` where it cannot be told. (To read the tables alone takes
    milliseconds: the kernel goes through all that it has room for.)"""
    inodes: dict[str, set[str]] = {str(port): set() for port in PORTS}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (text_of(table) or "").splitlines()[1:]:
            words = line.split()
            port = str(int(words[1].rpartition(":")[2], 16))
            if words[3] == "0A" and port in inodes:
                inodes[port].add("socket:[" + words[9] + "]")
    holding = holders(set().union(*inodes.values()))
    names = {port: {holding[inode] for inode in there if inode in holding} for port, there in inodes.items()}
    return {port: sorted(names[port] or {"?"}) if there else [] for port, there in inodes.items()}


def holders(inodes: set[str]) -> dict[str, str]:
    """The name of a program that has each open, where one is found."""
    found: dict[str, str] = {}
    for process, name in programs() if inodes else ():
        found |= {inode: name for inode in descriptors(process) if inode in inodes and inode not in found}
        if len(found) == len(inodes):
            break
    return found


def programs() -> list[tuple[str, str]]:
    """HAProxy's first: mostly the ports are its own, and then nobody else need be looked at."""
    found = [f"/proc/{process}" for process in os.listdir("/proc") if process.isdigit()]
    named = [(path, (text_of(f"{path}/comm") or "?").strip()) for path in found]
    return sorted(named, key=lambda one: one[1] != "haproxy")


def descriptors(process: str) -> Iterator[str]:
    with contextlib.suppress(OSError):  # it has ended meanwhile
        for each in os.listdir(f"{process}/fd"):
            with contextlib.suppress(OSError):
                yield os.readlink(f"{process}/fd/{each}")


@contextlib.contextmanager
def lock(paths: dict[str, str]) -> Iterator[None]:
    with Path(paths["lock"]).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def replace(path: Path, content: bytes | str | None, mode: int = 0o644) -> None:
    """In one step: whoever reads it finds the old or the new content. None: it is not there."""
    if content is None:
        path.unlink(missing_ok=True)
        return
    make_folder(path.parent, 0o755 if mode & 0o044 else 0o700)
    fresh = path.with_name("." + path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync(path.parent)


def make_folder(folder: Path, mode: int) -> None:
    if not folder.is_dir():
        make_folder(folder.parent, 0o755)
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)  # whatever the umask is


def sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def content_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None


def text_of(path: str | Path) -> str | None:
    content = content_of(Path(path))
    return None if content is None else content.decode("utf-8", "replace")


def run(*words: str) -> tuple[int, str]:
    try:
        done = subprocess.run(words, check=False, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return 127, ""
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def complaint(said: str) -> str:
    """The lines that say what is wrong, without what HAProxy says around them."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    bad = [line for line in lines if "[ALERT]" in line and "Error(s) found" not in line and "Fatal" not in line]
    return "; ".join(bad[:3] or lines[-3:])[:1000] or "it says nothing"
