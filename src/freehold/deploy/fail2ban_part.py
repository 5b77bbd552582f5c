"""fail2ban: addresses that try to log in again and again are shut out for a while (docs/why/fail2ban.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from freehold.deploy.managed_files import ManagedFacts, ManagedFile, Settings, Step, asked, change
from freehold.deploy.managed_part import ManagedPart
from freehold.deploy.part import Change
from freehold.server import fail2ban, sshd
from freehold.server.layout import FAIL2BAN_FILE, FAIL2BAN_FILTER

UNIT = "fail2ban.service"
STATUS = ("fail2ban-client", "status", "sshd")
_START_S = 60.0
"""It opens its socket a second after systemd says that it runs, and half a minute on a machine that is very busy."""


class Fail2banPart(ManagedPart):
    """It wants the package, which is another part's."""

    name = "fail2ban"

    def asked(self) -> Mapping[str, Any]:
        commands = {
            "dump": sshd.DUMP,
            # Its own client would take longer than all other questions of a push together. What it says of the jail is
            # asked when the file is written, and by `env check`.
            "unit": ("systemctl", "show", "--property=ActiveState,UnitFileState", UNIT),
        }
        return asked(self.name, files=(FAIL2BAN_FILE, FAIL2BAN_FILTER), commands=commands)

    def decide(self, told: ManagedFacts) -> Sequence[Change]:
        ports = sorted({*sshd.ports(told.text("dump")), *([told.login.port] if told.login.port else [])})
        wanted = (
            ManagedFile(FAIL2BAN_FILTER, fail2ban.login_filter()), ManagedFile(FAIL2BAN_FILE, fail2ban.jail(ports))
        )  # fmt: skip
        unit = told.text("unit").splitlines()
        was_active = "ActiveState=active" in unit
        runs = was_active and "UnitFileState=enabled" in unit
        if runs and told.has(*wanted):
            return []
        made = Settings(
            files=wanted,
            check=(("fail2ban-client", "--test"),),
            activate=(
                Step(("systemctl", "enable", UNIT)),
                Step(("systemctl", "restart", UNIT)),
                Step(STATUS, patience_s=_START_S),
            ),
            undo=(("systemctl", "restart", UNIT) if was_active else ("systemctl", "disable", "--now", UNIT),),
        )
        listed = ", ".join(map(str, ports))
        what = f"write {FAIL2BAN_FILE}, enable and restart {UNIT}: it watches SSH (port {listed})"
        return [change(self.name, what, told, made)]
