"""What is written down on the way to a server: the environment's file, from before anything is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.provision.step import EXISTING, RENTED, Step
from freehold.deploy.provision.wish import Wish
from freehold.project.config import ServerConfig
from freehold.project.environments import Environment
from freehold.project.provision import TABLE, Provision
from freehold.providers.ownership import Owner
from freehold.store.environments import Environments

_COMMENT = """\
Written by `freehold env prov`. `freehold env deprov` takes the server down, and this file with it; keep it until then.
"""


@dataclass(frozen=True)
class Changes:
    """Keys of the environment's file, by table; None takes one away."""

    server: Mapping[str, Any] = field(default_factory=dict)
    provision: Mapping[str, Any] = field(default_factory=dict)
    gateway: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        all_tables = {"server": self.server, TABLE: self.provision, "gateway": self.gateway}
        return {name: dict(values) for name, values in all_tables.items() if values}


class Record:
    """One environment's file. What a step did is in it before the next one begins."""

    def __init__(self, inventory: Environments, name: str) -> None:
        self._inventory = inventory
        self.name = name

    @property
    def exists(self) -> bool:
        return self.name in self._inventory.names()

    @property
    def environment(self) -> Environment:
        """As the file says now. Raises NOT_FOUND and CONFIG."""
        return self._inventory.read(self.name)

    @property
    def provision(self) -> Provision:
        """Raises CONFLICT for an environment that Freehold did not make and has not marked."""
        if found := self.environment.provision:
            return found
        raise FreeholdError(
            Code.CONFLICT,
            f"environment {self.name} is there already, not made by `env prov`: {self._inventory.file(self.name)}",
            f"Choose another name. For HTTPS: freehold env https {self.name} HOSTNAME",
        )

    @property
    def server(self) -> ServerConfig:
        """Raises CONFIG for a file without one."""
        if found := self.environment.server:
            return found
        raise FreeholdError(
            Code.CONFIG, f"{self._inventory.file(self.name)} has no [server]", "It is needed: repair it."
        )

    @property
    def owner(self) -> Owner:
        return Owner(self.provision.installation, self.name)

    def begin(self, wish: Wish, installation: str) -> None:
        """The file, with what is wanted and whose it will be; nothing is made yet. Raises CONFLICT, DISK."""
        document = tomlkit.document()
        for line in _COMMENT.splitlines():
            document.add(tomlkit.comment(line))
        document.add("server", tomlkit.item(wish.server_table))
        document.add(TABLE, tomlkit.item({"installation": installation, "done": [Step.RECORD], **wish.provision_table}))
        self._inventory.add(self.name, tomlkit.dumps(document))

    def wish_anew(self, wish: Wish) -> None:
        """What is wanted now, where that may still change."""
        self.write(Changes(wish.server_table, wish.provision_table))

    def mark(self, installation: str) -> None:
        """Say whose what is made for this environment is, where that is not said yet."""
        if self.environment.provision is None:
            there = list(dict.fromkeys((*RENTED, *EXISTING)))
            self.write(Changes(provision={"installation": installation, "done": there}))

    def keep(self, step: Step, changes: Changes) -> None:
        done = [*(one for one in self.provision.done if one != step), str(step)]
        self.write(Changes(changes.server, {**changes.provision, "done": done}, changes.gateway))

    def write(self, changes: Changes) -> None:
        self._inventory.change(self.name, changes.tables)
