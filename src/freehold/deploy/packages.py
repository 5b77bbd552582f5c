"""What a server is missing of Debian's packages: only that is installed, and nothing is upgraded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script

WAIT_S = 600.0
"""For others that hold apt's lock; a first boot's upgrades take minutes."""
_LOOK_S = 3.0
_INSTALL_S = 1200.0


@dataclass(frozen=True)
class Wanted:
    """A package, unless its `program` is there from elsewhere (Docker's own packages, say)."""

    package: str
    program: str = ""


_ALWAYS = (
    Wanted("ca-certificates"),
    Wanted("fail2ban", "fail2ban-server"),
    Wanted("nftables", "nft"),
    Wanted("python3-systemd"),  # by which fail2ban reads the journal
)
_DOCKER = Wanted("docker.io", "dockerd")
_DOCKER_CLI = Wanted("docker-cli", "docker")
_HAS_DOCKER_CLI = frozenset({"debian 13"})
"""Debian 13 took the client out of `docker.io`."""
_EDGE = Wanted("haproxy", "haproxy")


class _Facts(msgspec.Struct, frozen=True):
    installed: list[str]
    programs: list[str]
    apt: bool
    system: str


class _Told(msgspec.Struct, frozen=True):
    """`no_archive` is what apt said when it could not reach its archive."""

    held_by: str
    failed: str = ""
    no_archive: str = ""


class PackagesPart:
    """`Part`. `edge` says that HAProxy is wanted, too. `say` is told, in a line for people, what is waited for."""

    name = "packages"

    def __init__(
        self, *, edge: bool, say: Callable[[str], None] = lambda _line: None, clock: Clock | None = None
    ) -> None:
        self._wanted = (*_ALWAYS, _DOCKER, _DOCKER_CLI, *((_EDGE,) if edge else ()))
        self._say = say
        self._clock = clock or SystemClock()

    @property
    def remote(self) -> str:
        return program_text("packages")

    def asked(self) -> Mapping[str, Any]:
        return {
            "packages": [each.package for each in self._wanted],
            "programs": [each.program for each in self._wanted if each.program],
        }

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        """Raises FAILED where something is missing and there is no apt to install it with."""
        told = msgspec.json.decode(facts, type=_Facts)
        missing = [each.package for each in self._wanted if self._is_missing(each, told)]
        if not missing:
            return []
        listed = ", ".join(missing)
        if not told.apt:
            raise FreeholdError(
                Code.FAILED, f"the server is missing {listed}, and has no apt-get", "Install them by its own means."
            )
        return [Change(f"install {listed} (apt-get)", (), {"packages": missing})]

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        for each in changes:
            await self._install(host, each.document)

    def _is_missing(self, each: Wanted, facts: _Facts) -> bool:
        if each is _DOCKER_CLI and facts.system not in _HAS_DOCKER_CLI:
            return False
        return each.package not in facts.installed and each.program not in facts.programs

    async def _install(self, host: Host, document: Mapping[str, Any]) -> None:
        deadline, said = self._clock.monotonic() + WAIT_S, ""
        while True:
            told = await run_script(
                host, self.name, self.remote, document, _Told, as_root=True, timeout_s=_INSTALL_S
            )  # fmt: skip
            if not told.held_by:
                break
            if self._clock.monotonic() >= deadline:
                what = f"{host.name}: {told.held_by} has held apt for more than {duration(WAIT_S)}"
                raise FreeholdError(Code.TIMEOUT, what, "Let it end, or end it, and try again.")
            if said != told.held_by:
                said = told.held_by
                self._say(f"waiting until {said} lets go of apt, for up to {duration(WAIT_S)}")
            await self._clock.sleep(_LOOK_S)
        if told.failed:
            raise _not_installed(host, document["packages"], told)


def _not_installed(host: Host, packages: Sequence[str], told: _Told) -> FreeholdError:
    missing = ", ".join(packages)
    if told.no_archive:
        return FreeholdError(
            Code.FAILED,
            f"{host.name} is missing {missing}, and reaches no archive to install them from: {told.no_archive}",
            f"Give it a way there (/etc/apt/sources.list, a proxy), or install them by hand: "
            f"apt-get install {' '.join(packages)}",
        )
    return FreeholdError(
        Code.FAILED,
        f"{host.name}: {missing} could not be installed: {told.failed}",
        f"apt-get install {' '.join(packages)}, on the server, says more.",
    )
