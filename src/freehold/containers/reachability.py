"""Why Docker does not answer, as a sentence with the command that helps (`docs/troubleshooting.md`, "Docker")."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.sockets import connect_unix

UNIX_PREFIX = "unix://"
_PROBE_TIMEOUT_S = 5.0
_USUAL_SOCKET = Path("/var/run/docker.sock")


class Silence(StrEnum):
    """What was seen at Docker's address."""

    NO_SOCKET = "no_socket"
    REFUSED = "refused"
    NO_RIGHTS = "no_rights"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True)
class Facts:
    """`platform` as `sys.platform`; `installed`: a Docker engine or client program is on this machine; `chosen`:
    `DOCKER_HOST` says this address."""

    address: str
    silence: Silence
    platform: str
    installed: bool
    detail: str = ""
    chosen: bool = False


_CHOSEN = "DOCKER_HOST chose this address: start the engine there, or unset DOCKER_HOST to use this machine's."
_START = {
    "darwin": "Start Docker Desktop: open -a Docker",
    "linux": "Start it: sudo systemctl start docker",
}
_INSTALL = {
    "darwin": "Install Docker Desktop (https://docs.docker.com/desktop/), then: open -a Docker",
    "linux": "Install it: sudo apt-get install docker.io (Debian, Ubuntu), or see https://docs.docker.com/engine/install/",
}
_WITHOUT_DOCKER = 'Agents can also run without Docker: local.engine = "host-user" in config.toml.'
_RIGHTS = (
    "Run Freehold as root, or let this user talk to Docker: sudo usermod -aG docker $USER, then log in again. "
    "Membership of the docker group is as good as root on this machine: give it to nobody whom you would not give root."
)


def unreachable(facts: Facts) -> FreeholdError:
    """The error for what was seen; pure, so that every row of it is a test case."""
    start = _START.get(facts.platform, "Start the Docker engine.")
    install = _INSTALL.get(facts.platform, "Install Docker: https://docs.docker.com/engine/install/")
    if not facts.address.startswith(UNIX_PREFIX):
        return FreeholdError(
            Code.UNREACHABLE,
            f"Docker at {facts.address} does not answer{_because(facts.detail)}.",
            _CHOSEN,
        )
    path = facts.address.removeprefix(UNIX_PREFIX)
    match facts.silence:
        case Silence.NO_RIGHTS:
            return FreeholdError(
                Code.UNREACHABLE,
                f"This user may not talk to Docker ({path}: permission denied).",
                f"{_RIGHTS} {_WITHOUT_DOCKER}",
            )
        case Silence.NO_SOCKET if facts.chosen:
            return FreeholdError(Code.UNREACHABLE, f"Docker is not at {facts.address} (there is no {path}).", _CHOSEN)
        case Silence.REFUSED if facts.chosen:
            return FreeholdError(Code.UNREACHABLE, f"Docker is not at {facts.address} (nobody listens there).", _CHOSEN)
        case Silence.NO_SOCKET if not facts.installed:
            return FreeholdError(
                Code.UNREACHABLE, f"Docker is not installed (there is no {path}).", f"{install}. {_WITHOUT_DOCKER}"
            )
        case Silence.NO_SOCKET:
            return FreeholdError(Code.UNREACHABLE, f"Docker is not running (there is no {path}).", start)
        case Silence.REFUSED:
            return FreeholdError(Code.UNREACHABLE, f"Docker is not running (nobody listens on {path}).", start)
        case Silence.NO_ANSWER:
            return FreeholdError(
                Code.UNREACHABLE,
                f"Docker at {path} does not answer{_because(facts.detail)}.",
                "Look at its log: sudo journalctl -u docker -n 50",
            )


def _because(detail: str) -> str:
    return f": {detail}" if detail else ""


def docker_address(environment: Mapping[str, str], home: Path, usual: Path = _USUAL_SOCKET) -> str:
    """Where Docker listens: `DOCKER_HOST`, else the first default socket that exists, else the usual one.

    Default sockets: the engine's, rootless Docker's, Docker Desktop's.
    """
    chosen = environment.get("DOCKER_HOST", "")
    if chosen:
        return chosen
    candidates = [usual, home / ".docker/run/docker.sock"]
    if runtime_directory := environment.get("XDG_RUNTIME_DIR"):
        candidates.insert(1, Path(runtime_directory) / "docker.sock")
    found = next((path for path in candidates if path.exists()), usual)
    return f"{UNIX_PREFIX}{found}"


def observe(address: str, detail: str = "") -> Facts:
    """What is to be seen at `address` now, for `unreachable`; it knocks at a unix socket and says nothing."""
    silence = Silence.NO_ANSWER
    if address.startswith(UNIX_PREFIX):
        try:
            connect_unix(Path(address.removeprefix(UNIX_PREFIX)), _PROBE_TIMEOUT_S).close()
        except FileNotFoundError:
            silence = Silence.NO_SOCKET
        except PermissionError:
            silence = Silence.NO_RIGHTS
        except ConnectionRefusedError:
            silence = Silence.REFUSED
        except OSError as error:
            detail = detail or str(error)
    installed = any(shutil.which(program) for program in ("dockerd", "docker"))
    chosen = os.environ.get("DOCKER_HOST") == address
    return Facts(address, silence, sys.platform, installed, detail=detail, chosen=chosen)
