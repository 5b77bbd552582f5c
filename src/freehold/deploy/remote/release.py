"""Releases on this server: what is there, and a new one put together.

<releases>/<id>/                      its files: unchanged ones are hard links of those in the release before
<releases>/<id>/.freehold/            manifest.json, units.json and, written last, release.json
<releases>/.incoming-<id>/<digest>    bytes on their way into a release
<releases>/.making-<id>               half there: of no use
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused

_OWN = ".freehold"
_RECORD, _MANIFEST, _UNITS = f"{_OWN}/release.json", f"{_OWN}/manifest.json", f"{_OWN}/units.json"
_MODES = {"file": 0o444, "program": 0o555}
_LENGTH = 26
Entry = list[Any]  # path, kind, digest (of a link: where it leads), size in bytes


def main(document: dict[str, Any]) -> Any:
    os.umask(0o022)
    return seal(document)


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """`manifest` is that of the current release, unless its content is the one that is asked for."""
    releases = asked["releases"]
    names = _names(releases)
    current = os.path.basename(os.readlink(asked["current"])) if os.path.islink(asked["current"]) else ""
    records = [record for name in names if len(name) == _LENGTH and (record := _json(releases, name, _RECORD))]
    rolled_back = _json(os.path.dirname(asked["rolled_back"]), ".", os.path.basename(asked["rolled_back"]))
    mine = next((record for record in records if record["id"] == current), None)
    return {
        "current": current if mine else "",
        "releases": records,
        "rolled_back": [str(one) for one in rolled_back] if isinstance(rolled_back, list) else [],
        "manifest": _json(releases, current, _MANIFEST) if mine and mine["content"] != asked["content"] else None,
    }


def seal(told: dict[str, Any]) -> dict[str, Any]:
    """Put a release together. `missing` are digests of files that are nowhere here, though they were thought to be:
    then nothing was made, and what came in stays for the next try."""
    releases, name = told["releases"], told["record"]["id"]
    incoming, making = f"{releases}/.incoming-{name}", f"{releases}/.making-{name}"
    try:
        os.makedirs(releases, 0o750, exist_ok=True)
        _unpack(told["brought"], incoming)
        sources = _sources(releases, incoming, told["entries"])
        if missing := _missing(told["entries"], sources):
            return {"missing": missing}
        shutil.rmtree(making, ignore_errors=True)
        _lay_out(told["entries"], sources, making)
        _write(making, _MANIFEST, told["entries"])
        units = told["units"]
        if units is None:  # of an agent alone: they stay
            units = _json(told["before"], ".", _UNITS) or {}
        _write(making, _UNITS, units)
        _write(making, _RECORD, told["record"])
        os.chmod(f"{making}/{_OWN}", 0o555)
        os.chmod(making, 0o555)
        _sync(releases)
        os.rename(making, f"{releases}/{name}")
        shutil.rmtree(incoming, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(making, ignore_errors=True)
        shutil.rmtree(incoming, ignore_errors=True)
        why = f"{releases}: {error.strerror}"
        raise Refused("disk", f"the release cannot be written: {why}", "Make room on the server's disk.") from None
    return {"missing": []}


def _unpack(brought: dict[str, str], incoming: str) -> None:
    """What came along with the question: few and small files."""
    if brought:
        os.makedirs(incoming, exist_ok=True)
    for digest, packed in brought.items():
        with open(f"{incoming}/{digest}", "wb") as file:
            file.write(base64.b64decode(packed))


def _names(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def _json(releases: str, name: str, file: str) -> Any:
    """None for what is not there, or not whole."""
    try:
        with open(f"{releases}/{name}/{file}", "rb") as opened:
            return json.load(opened)
    except (OSError, ValueError):
        return None


def _sources(releases: str, incoming: str, entries: list[Entry]) -> dict[tuple[str, str], str]:
    """Where the bytes of each kind and digest are; those that came in are checked."""
    wanted = {(entry[1], entry[2]) for entry in entries if entry[1] in _MODES}
    found: dict[tuple[str, str], str] = {}
    for name in _names(releases):
        for entry in (_json(releases, name, _MANIFEST) or []) if len(name) == _LENGTH else []:
            key, path = (entry[1], entry[2]), f"{releases}/{name}/{entry[0]}"
            if key in wanted and os.path.isfile(path):
                found[key] = path
    for digest in _names(incoming):
        if _digest(f"{incoming}/{digest}") != digest:
            os.unlink(f"{incoming}/{digest}")
            raise Refused("conflict", "a file changed while it was sent", "Push again.")
        for kind in _MODES:
            found.setdefault((kind, digest), f"{incoming}/{digest}")
    return found


def _missing(entries: list[Entry], sources: dict[tuple[str, str], str]) -> list[str]:
    return sorted({entry[2] for entry in entries if entry[1] in _MODES and (entry[1], entry[2]) not in sources})


def _lay_out(entries: list[Entry], sources: dict[tuple[str, str], str], making: str) -> None:
    os.makedirs(f"{making}/{_OWN}")
    folders = []
    for path, kind, digest, _size in entries:
        target = f"{making}/{path}"
        if kind == "folder":
            os.mkdir(target)
            folders.append(target)
        elif kind == "link":
            os.symlink(digest, target)
        else:
            _put(sources[kind, digest], target, kind)
    for folder in reversed(folders):
        os.chmod(folder, 0o555)


def _put(source: str, target: str, kind: str) -> None:
    if "/.incoming-" not in source:
        try:
            os.link(source, target)
        except OSError as error:  # too many links of one file: then it is a copy
            if error.errno != 31:
                raise
        else:
            return
    shutil.copyfile(source, target)
    os.chmod(target, _MODES[kind])


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(making: str, name: str, value: Any) -> None:
    with open(f"{making}/{name}", "w") as file:
        json.dump(value, file)
    os.chmod(f"{making}/{name}", 0o444)


def _sync(folder: str) -> None:
    """Let the file system be on the disk: one call for all files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), folder)
    finally:
        os.close(descriptor)
