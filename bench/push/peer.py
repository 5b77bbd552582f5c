"""The peer on the same server: what it needs there is put there, then `al push` is measured as its user types it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench.figure import MissingError
from bench.peer.installation import peer
from bench.push.server import KEY, Laptop, Server
from freehold.server import firewall

PORT = 3000
_DEADLINE_S = 600.0
_CONFIG = """[models.m]
provider = "anthropic"
model = "claude-sonnet-4-20250514"
authType = "api_key"
[webhooks.hook]
type = "test"
"""
_AGENT = 'models = ["m"]\n[[webhooks]]\nsource = "hook"\nevents = ["nothing"]\n'
_SKILL = "---\ndescription: Measures.\n---\nSay hello.\n"
_FILES = ("package.json", "package-lock.json")


@dataclass(frozen=True)
class Peer:
    """The peer's laptop."""

    folder: Path
    program: Path

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def edit_agent(self, number: int) -> None:
        (self.project / "agents/bench/SKILL.md").write_text(f"{_SKILL}Edit {number}.\n")

    def push(self, *words: str) -> float:
        """Seconds of the whole command. It ends with 0 also when the service is not well, so its words count."""
        environment = {
            **os.environ,
            "HOME": str(self.folder / "home"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
        }
        began = time.perf_counter()
        done = subprocess.run(
            [str(self.program), "push", *words, "-E", "box", "-p", str(self.project), "--headless"],
            env=environment, check=False, capture_output=True, text=True, timeout=_DEADLINE_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        took_s = time.perf_counter() - began
        if done.returncode or (not words and "Health check passed" not in done.stdout):
            raise MissingError(f"al push: {(done.stdout + done.stderr).strip()[-300:]}")
        return took_s


def peer_on(server: Server, owner: Laptop) -> Peer:
    """The peer at work on `server`. Raises `MissingError` where it cannot be."""
    if shutil.which("rsync") is None:
        raise MissingError("the peer pushes by rsync, which is not here")
    program = peer(with_database=True)
    made = Peer(owner.folder / "peer", program)
    _prepare_here(made, server, owner)
    _prepare_there(server, program.parent.parent.parent)
    made.push()
    # Our firewall, which the peer knows nothing of, would keep its visitors out.
    server.does(f"{' '.join(firewall.DELETE)} 2>/dev/null || true")
    return made


def _prepare_here(made: Peer, server: Server, owner: Laptop) -> None:
    modules = made.program.parent.parent.parent
    known = made.folder / "home" / ".action-llama"
    written = {
        made.project / "config.toml": _CONFIG,
        made.project / ".env.toml": 'projectName = "bench"\n',
        made.project / "agents/bench/SKILL.md": _SKILL,
        made.project / "agents/bench/config.toml": _AGENT,
        known / "credentials/anthropic_key/default/token": "not a key\n",
        known / "credentials/gateway_api_key/default/key": "0123456789" * 4 + "\n",
        known / "environments/box.toml": (
            f'[server]\nhost = "{server.address}"\nuser = "root"\nkeyPath = "{owner.home / KEY}"\n'
        ),
        # The addresses of sandboxes come back with other keys: what it remembers of them is not this user's own.
        made.folder
        / "bin/ssh": f'#!/bin/sh\nexec {shutil.which("ssh")} -o UserKnownHostsFile={made.folder}/known "$@"\n',
    }
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (made.folder / "bin/ssh").chmod(0o755)
    for name in _FILES:
        shutil.copy(modules / name, made.project / name)


def _prepare_there(server: Server, modules: Path) -> None:
    """Node as it is here, rsync from Debian's archive, and the peer's own packages, which it would get from npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MissingError("there is no Node.js for the peer's server")
    server.does("apt-get update -qq && apt-get install --yes -qq --no-install-recommends rsync >/dev/null")
    npm_folder = Path(npm).resolve().parent.parent
    _send(server, "/usr/lib/node_modules", npm_folder, "npm")
    _send(server, "/usr/bin", Path(node).resolve(), "node")
    server.does("ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/bin/npm")
    _send(server, "/opt/action-llama/project", modules / "node_modules", "node_modules")


def _send(server: Server, folder: str, path: Path, name: str) -> None:
    """`path` as `name` in a folder there."""
    words = ["tar", "-c", "--transform", f"s|^{path.name}|{name}|", "-C", str(path.parent), path.name]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as packing:
        assert packing.stdout is not None
        server.does(f"mkdir -p {folder} && tar -x -C {folder}", packing.stdout)
