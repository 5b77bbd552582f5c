"""sshd: keys alone let in. No password is turned off before a login with a key has worked under the new rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.managed_files import LogIn, ManagedFacts, ManagedFile, Said, Settings, Step, asked, change
from freehold.deploy.managed_part import ManagedPart
from freehold.deploy.part import Change
from freehold.server import sshd
from freehold.server.layout import SSHD_FILE

_UNITS = ("ssh.service", "sshd.service")
"""Debian's and Ubuntu's name, and everybody else's."""
_INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf"


class SshPart(ManagedPart):
    name = "ssh"

    def __init__(self, log_in: LogIn) -> None:
        super().__init__(log_in)

    def asked(self) -> Mapping[str, Any]:
        units = ("systemctl", "show", "--property=LoadState", "--value", *_UNITS)
        return asked(self.name, files=(SSHD_FILE,), commands={"dump": sshd.DUMP, "units": units})

    def decide(self, told: ManagedFacts) -> Sequence[Change]:
        """Raises FAILED where sshd is not one that can be hardened so."""
        dumped = _dumped(told)
        settings = sshd.effective(dumped)
        wanted = ManagedFile(SSHD_FILE, sshd.drop_in(settings))
        if told.has(wanted):
            _require_hardened(dumped)
            return []
        unit = _unit(told)
        # Where systemd listens for it, sshd may not run just now: then it reads its files when it is started.
        reload = ("systemctl", "try-reload-or-restart", unit)
        made = Settings((wanted,), (Step(reload),), check=(sshd.TEST,), undo=(reload,), ask={"dump": sshd.DUMP})
        what = f"write {SSHD_FILE} and reload {unit}: keys alone let in"
        return [change(self.name, what, told, made, _notes(settings))]

    def judge(self, said: Mapping[str, Said]) -> None:
        _require_hardened(said["dump"].text)


def _dumped(facts: ManagedFacts) -> str:
    said = facts.answer("dump")
    if said.status == 127:
        raise FreeholdError(Code.FAILED, "there is no OpenSSH server on the server", "apt-get install openssh-server")
    if said.status:
        last = said.text.strip().splitlines()[-1:] or [f"exit code {said.status}"]
        raise FreeholdError(
            Code.FAILED, f"sshd's configuration on the server is faulty: {last[0]}", "sshd -t says more"
        )
    return said.text


def _unit(facts: ManagedFacts) -> str:
    for unit, state in zip(_UNITS, facts.text("units").split(), strict=False):
        if state == "loaded":
            return unit
    raise FreeholdError(
        Code.FAILED, "sshd on the server is run by no unit of systemd", f"There is neither {' nor '.join(_UNITS)}."
    )


def _notes(settings: Mapping[str, str]) -> Sequence[str]:
    return [f"now: {weakness}" for weakness in sshd.weaknesses(settings)]


def _require_hardened(dumped: str) -> None:
    weak = sshd.weaknesses(sshd.effective(dumped))
    if weak:
        raise FreeholdError(
            Code.FAILED,
            f"sshd does not do what {SSHD_FILE} says: {'; '.join(weak)}",
            f'Another file of its configuration comes first. "{_INCLUDE}" must be the first line of '
            "/etc/ssh/sshd_config, and no file there may be sorted before ours: grep -rni authentication /etc/ssh",
        )
