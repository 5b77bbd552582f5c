"""The peer on this machine: installed once into a folder of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from bench.figure import MissingError

NAME = "Action Llama 0.29.1"
_PINNED = (Path(__file__).parent / "package.json", Path(__file__).parent / "package-lock.json")
_CACHE = Path(".bench") / "peers"
_NATIVE = "better-sqlite3"
_DEADLINE_S = 900


def peer(*, with_database: bool = False) -> Path:
    """The program `al`. `with_database`: also its native module, which is built here, because what npm would download
    does not come from npm. Raises `MissingError` where that cannot be done.
    """
    folder = _installed()
    if with_database and not (folder / "node_modules" / _NATIVE / "build" / "Release" / "better_sqlite3.node").exists():
        _build(folder)
    return folder / "node_modules" / ".bin" / "al"


def _installed() -> Path:
    """Named after what is pinned: another version gets another folder. Whole or not at all."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in _PINNED)).hexdigest()[:12]
    folder = (_CACHE / digest).absolute()
    if folder.exists():
        return folder
    if shutil.which("npm") is None:
        raise MissingError("there is no npm to install the peer with")
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for path in _PINNED:
        shutil.copy(path, part)
    print(f"  installing the peer, {NAME}: 450 MB, about 100 s", flush=True)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], part, "npm could not install the peer")
    part.rename(folder)
    return folder


def _build(folder: Path) -> None:
    print("  building the peer's database module, about 60 s", flush=True)
    _run(
        ["npm", "rebuild", "--build-from-source", _NATIVE],
        folder,
        f"the peer's module {_NATIVE} could not be built (it takes g++, make, and Node's headers)",
    )


def _run(command: list[str], folder: Path, problem: str) -> None:
    environment = dict(os.environ)
    node = shutil.which("node")
    if node and (Path(node).resolve().parent.parent / "include" / "node" / "node_api.h").exists():
        environment["npm_config_nodedir"] = str(Path(node).resolve().parent.parent)
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=_DEADLINE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(f"{problem}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise MissingError(f"{problem}: {last[:200]}")
