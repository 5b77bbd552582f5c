"""What a server needs for projects to run on it: pure checks of its facts, with the repair where there is one."""

from __future__ import annotations

from freehold.base.words import duration, size
from freehold.deploy.check import Check, Repair, State, Verdict
from freehold.hosts.host import Command
from freehold.hosts.script import OLDEST_PYTHON
from freehold.server.facts import ServerFacts
from freehold.server.firewall import opening

OLDEST_DOCKER = (20, 10)
"""Debian 11's and 12's; nothing older is tried (docs/bench.md)."""
LEAST_FREE_BYTES = 2 * 1024**3
"""Room for a first push: images of two agents (0.4 GB each, docs/bench.md), program, releases."""
GOOD_FREE_BYTES = 5 * 1024**3
LEAST_MEMORY_BYTES = 900 * 1024**2
"""The smallest server that is sold as one of 1 GB. A keeper and a gateway need 0.2 GB of it."""
LARGEST_SKEW_S = 30.0
"""Signed deliveries are good for five minutes (docs/webhooks.md); half a minute leaves room for both sides."""
_SLOW_S = 900.0
_APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-qq", "--no-install-recommends", "install")


def sudo(facts: ServerFacts) -> Verdict:
    if facts.is_root:
        return Verdict(State.PASS, "commands can be run as root")
    return Verdict(State.FAIL, facts.sudo_problem or "commands cannot be run as root", "see docs/servers.md")


def system(facts: ServerFacts) -> Verdict:
    name = f"{facts.os or 'unknown system'} {facts.os_version}".strip()
    if facts.os in ("debian", "ubuntu"):
        return Verdict(State.PASS, f"{name} on {facts.architecture}")
    return Verdict(
        State.WARN, f"{name} on {facts.architecture}", "Debian 12 and 13 and Ubuntu 24.04 are known to work."
    )


def python(facts: ServerFacts) -> Verdict:
    needed = ".".join(map(str, OLDEST_PYTHON))
    version = ".".join(map(str, facts.python))
    if facts.python >= OLDEST_PYTHON:
        return Verdict(State.PASS, f"Python {version}")
    if facts.python == (0, 0):
        return Verdict(State.FAIL, "there is no python3", "On the server: apt-get install python3")
    return Verdict(State.FAIL, f"Python {version} is older than {needed}", "Use a newer release of the system.")


def install_python(facts: ServerFacts) -> Repair | None:
    return _installed(facts, "python3", "install Debian's python3") if facts.python == (0, 0) else None


def docker(facts: ServerFacts) -> Verdict:
    if facts.docker and _version(facts.docker) < OLDEST_DOCKER:
        oldest = ".".join(map(str, OLDEST_DOCKER))
        return Verdict(State.FAIL, f"Docker {facts.docker} is older than {oldest}", "Use a newer release of Docker.")
    if facts.docker:
        return Verdict(State.PASS, f"Docker {facts.docker}")
    if facts.docker_program:
        return Verdict(State.FAIL, "Docker is installed, and its engine does not answer", _WHY_NOT)
    return Verdict(State.FAIL, "there is no Docker", "On the server: apt-get install docker.io")


_WHY_NOT = "On the server, `systemctl status docker` says why."


def install_docker(facts: ServerFacts) -> Repair | None:
    if facts.docker:
        return None
    if facts.docker_program:
        start = Command(("systemctl", "enable", "--now", "docker"), timeout_s=_SLOW_S, as_root=True)
        return Repair("start Docker, now and at each start of the server", (start,)) if facts.is_root else None
    return _installed(facts, "docker.io", "install Debian's docker.io")


def systemd(facts: ServerFacts) -> Verdict:
    if facts.init != "systemd":
        return Verdict(State.FAIL, f"systemd does not run the server (it is {facts.init or 'not known what does'})")
    if facts.systemd in ("running", "starting", "initializing"):
        return Verdict(State.PASS, f"systemd is {facts.systemd}")
    return Verdict(
        State.WARN,
        f"systemd is {facts.systemd or 'not answering'}",
        "On the server, `systemctl --failed` says which unit.",
    )


def disk(facts: ServerFacts) -> Verdict:
    free = f"{size(facts.disk_free_bytes)} free of {size(facts.disk_bytes)}"
    free += f" at {facts.disk_at}" if facts.disk_at not in ("", "/") else ""
    if facts.disk_bytes == 0:
        return Verdict(State.WARN, "how full the disk is could not be told")
    if facts.files and facts.files_free * 50 < facts.files:
        return Verdict(State.FAIL, "the disk has hardly any room for further files (inodes)", _MAKE_ROOM)
    if facts.disk_free_bytes < LEAST_FREE_BYTES:
        return Verdict(State.FAIL, free, _MAKE_ROOM)
    return Verdict(State.WARN if facts.disk_free_bytes < GOOD_FREE_BYTES else State.PASS, free)


_MAKE_ROOM = (
    "On the server: `df -h` shows what is full. `docker system prune -a` removes all images that no container uses; "
    "push again afterwards, which sends those of your agents once more."
)
_CLEAN = "docker image prune --force; docker builder prune --force; journalctl --vacuum-size=200M; apt-get clean; true"


def make_room(facts: ServerFacts) -> Repair | None:
    """What nobody misses: no image that has a name, since a server may have no registry to fetch it from again."""
    if not facts.is_root:
        return None
    offer = "remove images without a name, Docker's build cache, journal lines beyond 200 MB, downloaded packages"
    return Repair(offer, (Command(("sh", "-c", _CLEAN), timeout_s=_SLOW_S, as_root=True),))


def memory(facts: ServerFacts) -> Verdict:
    if facts.memory_bytes >= LEAST_MEMORY_BYTES:
        return Verdict(State.PASS, f"{size(facts.memory_bytes)} of memory")
    return Verdict(
        State.WARN, f"{size(facts.memory_bytes)} of memory", "Lower local.memory, and run one agent at a time."
    )


def clock(facts: ServerFacts) -> Verdict:
    if abs(facts.clock_skew_s) <= LARGEST_SKEW_S:
        return Verdict(State.PASS, "its clock is right")
    direction = "ahead of" if facts.clock_skew_s > 0 else "behind"
    return Verdict(
        State.FAIL,
        f"its clock is {duration(abs(facts.clock_skew_s))} {direction} this machine's",
        "One of them is wrong: `timedatectl` shows which. Signed webhooks and certificates are refused otherwise.",
    )


def synchronise(facts: ServerFacts) -> Repair | None:
    if not facts.is_root or not facts.systemd:
        return None
    command = Command(("timedatectl", "set-ntp", "true"), as_root=True)
    return Repair("let the server set its clock by the network", (command,))


def ports(facts: ServerFacts) -> Verdict:
    if not facts.ports:
        return Verdict(State.SKIP, "not exposed, or reached by a jump host")
    silent = [port for port, state in facts.ports if state == "silent"]
    told = ", ".join(f"{port} {state}" for port, state in facts.ports)
    if not silent:
        return Verdict(State.PASS, told)
    missing = ", ".join(map(str, silent))
    theirs, ours = facts.hardening.other_firewall, facts.hardening.open_ports
    here = "the server's own firewall lets them in" if ours and set(silent) <= set(ours) else ""
    if theirs:
        here = opening(theirs, silent)
    hint = f"Open them in the provider's firewall{f' ({here})' if here else ', and on the server'}."
    return Verdict(State.FAIL, f"{told}: something keeps the outside from {missing}", hint)


def gateway(facts: ServerFacts) -> Verdict:
    if not facts.gateway:
        return Verdict(State.SKIP, "no project of this folder is there yet")
    problems = "; ".join(facts.gateway_problems)
    if facts.gateway == "ok" and problems:
        return Verdict(State.WARN, f"the project's gateway answers: {problems}", "`freehold env status` says more.")
    if facts.gateway == "ok":
        return Verdict(State.PASS, "the project's gateway answers")
    told = f"{facts.gateway}: {problems}" if problems else facts.gateway
    return Verdict(State.FAIL, told, "`freehold env logs` shows what it said.")


CHECKS: tuple[Check[ServerFacts], ...] = (
    Check("sudo", sudo),
    Check("system", system),
    Check("systemd", systemd),
    Check("python", python, install_python),
    Check("docker", docker, install_docker),
    Check("disk", disk, make_room),
    Check("memory", memory),
    Check("clock", clock, synchronise),
    Check("ports", ports),
    Check("gateway", gateway),
)
"""Of every server. What a push put there, DNS and the edge are checked by lists of their own, beside their parts."""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def _installed(facts: ServerFacts, package: str, offer: str) -> Repair | None:
    if not (facts.has_apt and facts.is_root):
        return None
    update = Command(("apt-get", "update", "-qq"), timeout_s=_SLOW_S, as_root=True)
    return Repair(offer, (update, Command((*_APT, package), timeout_s=_SLOW_S, as_root=True)))
