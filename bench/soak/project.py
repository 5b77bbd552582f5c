"""The project under load: small agents that do, between them, whatever an agent can ask of a service."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.project.names import unique_project_name
from freehold.project.state import STATE_DIRECTORY
from freehold.store.credentials import FileCredentialStore

HUB_SECRET = Secret("the secret of the hub")
AT_ONCE = 4
"""Runs side by side, of all agents together."""
SCRIPT = "test-script.sh"

_CONFIG = """scale = {at_once}
workQueueSize = 5000

[webhooks.hub]
type = "github"

[models.slow]
provider = "custom"
model = "slow"
base_url = "http://127.0.0.1:{port}/v1"
"""
_AGAIN = "n=$((RANDOM % 3)); if [ $n = 0 ]; then fh rerun; fi\n"
_FLAKY = "sleep 0.2; exit $((RANDOM % 3 == 0))\n"
_CALLS = """for try in $(seq 100); do
  answer=$(echo hello | fh call callee) && break
  sleep 0.5
done
call=$(jq -r .call_id <<< "$answer")
for try in $(seq 100); do
  states=$(fh wait "$call") && break
  sleep 0.5
done
fh return "$(jq -r --arg call "$call" '.[$call].return_value' <<< "$states")"
"""
_LOCKS = """for try in $(seq 200); do
  fh lock soak://one && break
  sleep 0.3
done || exit 1
from=$(date +%s%N); sleep 0.4; until=$(date +%s%N)
for try in $(seq 100); do
  fh unlock soak://one
  [ $? -le 2 ] && break
  sleep 0.5
done
fh return "$from $until"
"""
_SCHEDULED = 'schedule = "{}"\n'
_NEVER = _SCHEDULED.format("0 0 1 1 *")
_HOOKED = '[[webhooks]]\nsource = "hub"\nevents = ["issues"]\n'
_AGENTS: Mapping[str, tuple[str, str]] = {
    "hook": ("fh return $RANDOM\n", f"scale = 2\n{_HOOKED}"),
    "tick": ("true\n", _SCHEDULED.format("*/6 * * * * *")),
    "tock": ("sleep 1\n", _SCHEDULED.format("*/11 * * * * *") + 'overlap = "skip"\ntimezone = "Europe/Berlin"\n'),
    "again": (_AGAIN, _NEVER),
    "flaky": (_FLAKY, f"{_NEVER}retries = 2\nretry_delay = 1\n"),
    "caller": (_CALLS, f"{_NEVER}scale = 1\n"),
    "callee": ('fh return "$FREEHOLD_RUN_ID"\n', _NEVER),
    "locker": (_LOCKS, f"{_NEVER}scale = 2\n"),
    "edited": ("fh return 0\n", _NEVER),
    "talker": ("", f'{_NEVER}scale = 2\nmodels = ["slow"]\n'),
}
SCHEDULED = ("tick", "tock")
_SKILL = "---\nname: {name}\ndescription: Is under load.\n---\nSay something.\n"


@dataclass(frozen=True)
class SoakProject:
    """`environment` is what its processes are started with."""

    root: Path
    home: Path
    environment: Mapping[str, str]

    @property
    def state(self) -> Path:
        return self.root / STATE_DIRECTORY

    @property
    def unique_name(self) -> str:
        return unique_project_name(self.root.name, self.root)

    def write(self, agent: str, script: str, config: str) -> None:
        folder = self.root / "agents" / agent
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "SKILL.md").write_text(_SKILL.format(name=agent))
        (folder / "config.toml").write_text(f"timeout = 300\n{config}")
        if script:
            self.write_script(agent, script)

    def write_script(self, agent: str, script: str) -> None:
        """As an editor does: the file is the old one or the new one."""
        path = self.root / "agents" / agent / SCRIPT
        new = path.with_name(f".{SCRIPT}.new")
        new.write_text(f"#!/bin/bash\n{script}")
        new.chmod(0o755)
        new.replace(path)

    def unschedule(self, agent: str) -> None:
        """Let its schedule begin nothing any more."""
        self.write(agent, _AGENTS[agent][0], _NEVER)

    def forget(self) -> None:
        """Remove its folder, and its home's."""
        shutil.rmtree(self.root.parent, ignore_errors=True)

    def docker(self, *words: str) -> list[str]:
        """The lines of `docker WORDS`, for things of this project."""
        label = f"label=dev.freehold.project={self.unique_name}"
        asked = ["docker", *words, "--filter", label]
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()


@contextmanager
def soak_project(model_port: int, folder: Path | None = None) -> Iterator[SoakProject]:
    """The project, below `folder` (else a new one), with the credentials that it needs. What it has in Docker is
    removed afterwards; the folder stays for whoever looks for a reason, until `forget`.
    """
    base = folder or Path(tempfile.mkdtemp(prefix="freehold-soak-"))
    root, home = base / "soak", base / "home"
    for made in (root, home):
        made.mkdir(parents=True)
    (root / "config.toml").write_text(_CONFIG.format(at_once=AT_ONCE, port=model_port))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FREEHOLD_")}
    project = SoakProject(root, home, {**kept, "FREEHOLD_HOME": str(home), "NO_COLOR": "1"})
    for name, (script, config) in _AGENTS.items():
        project.write(name, script, config)
    store = FileCredentialStore(home)
    store.put(CredentialRef("github_webhook_secret", "default"), {"secret": HUB_SECRET})
    store.put(CredentialRef("custom_key", "default"), {"token": Secret("k-0123456789"), "hosts": Secret("127.0.0.1")})
    try:
        yield project
    finally:
        _remove_from_docker(project)


def _remove_from_docker(project: SoakProject) -> None:
    for kind, listed in (("container", project.docker("ps", "-aq")), ("volume", project.docker("volume", "ls", "-q"))):
        if listed:
            subprocess.run(["docker", kind, "rm", "--force", *listed], check=False, capture_output=True)
