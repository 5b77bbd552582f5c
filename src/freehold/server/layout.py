"""Where everything of a project lies on a server, and what it is called (`docs/interfaces.md`, "Files and names")."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from freehold.project.home import HOME_VARIABLE
from freehold.project.names import project_slug
from freehold.project.state import KEEPER_PLACE, PLACED_NAME, STATE_PLACE
from freehold.wire.service import CONSOLE_SOCKET, GATEWAY_SOCKET

BASE = "/opt/freehold"
STATE_BASE = "/var/lib/freehold"
CONFIGURATION = "/etc/freehold"
EDGE_FRAGMENTS = f"{CONFIGURATION}/edge.d"
CERTIFICATES = f"{CONFIGURATION}/tls"
"""Certificates with their keys: root's alone."""
HAPROXY_FILE = "/etc/haproxy/haproxy.cfg"
HAPROXY_ADMIN = "/run/haproxy/admin.sock"
HAPROXY_METRICS = "/run/haproxy/metrics.sock"
FIREWALL_FILE = f"{CONFIGURATION}/firewall.nft"
FIREWALL_UNIT = "freehold-firewall.service"
UNITS = "/etc/systemd/system"
SSHD_FILE = "/etc/ssh/sshd_config.d/01-freehold.conf"
FAIL2BAN_FILE = "/etc/fail2ban/jail.d/freehold.local"
FAIL2BAN_FILTER = "/etc/fail2ban/filter.d/freehold-sshd.conf"
JOURNAL_FILE = "/etc/systemd/journald.conf.d/50-freehold.conf"
PROGRAMS = "programs"
"""Below the base, beside the projects: no project may be called so."""
UNDO = "undo"
"""Below the state, beside projects, and root's alone: how files are put back (`deploy/remote/put_back.py`)."""
_LONGEST_SHORT = 32 - len("fh--keeper")
"""useradd takes names of up to 32 characters."""


def server_name(name: str) -> str:
    """What a project called `name` is called on servers: a slug, also a part of units' names."""
    slug = project_slug(name)
    return f"{slug}-project" if slug in (PROGRAMS, UNDO) else slug


@dataclass(frozen=True)
class Layout:
    """`project` is its `server_name`. Paths are text: they are of another machine."""

    project: str
    base: str = BASE

    @property
    def root(self) -> str:
        return f"{self.base}/{self.project}"

    @property
    def releases(self) -> str:
        return f"{self.root}/releases"

    def release(self, release_id: str) -> str:
        return f"{self.releases}/{release_id}"

    @property
    def current(self) -> str:
        """A link to the release that counts."""
        return f"{self.root}/current"

    @property
    def rolled_back(self) -> str:
        """The ids of releases that a rollback went back from."""
        return f"{self.root}/rolled-back.json"

    @property
    def program(self) -> str:
        """A link to the program that the project's units run."""
        return f"{self.root}/program"

    def program_folder(self, digest: str) -> str:
        return f"{self.base}/{PROGRAMS}/{digest}"

    @property
    def command(self) -> str:
        """A command for people who are logged in there: `freehold` as the project's own user, for this project."""
        return f"{self.root}/freehold"

    @property
    def lease(self) -> str:
        """Held while somebody changes the project here."""
        return f"{self.root}/push.lease"

    @property
    def state(self) -> str:
        return f"{STATE_BASE}/{self.project}"

    @property
    def gateway_state(self) -> str:
        """Written by the gateway alone: database, revisions, its socket."""
        return f"{self.state}/gateway"

    @property
    def gateway_socket(self) -> str:
        return f"{self.gateway_state}/{GATEWAY_SOCKET}"

    @property
    def console_socket(self) -> str:
        return f"{self.gateway_state}/{CONSOLE_SOCKET}"

    @property
    def keeper_state(self) -> str:
        """Written by the keeper alone: runs, what was spent, its socket."""
        return f"{self.state}/keeper"

    @property
    def gateway_home(self) -> str:
        """`FREEHOLD_HOME` of the gateway: secrets of webhooks and notices, its keys. No model's key, no agent's."""
        return f"{self.state}/gateway-home"

    @property
    def keeper_home(self) -> str:
        """`FREEHOLD_HOME` of the keeper: what agents are given, and models' keys."""
        return f"{self.state}/keeper-home"

    @property
    def service(self) -> str:
        return f"freehold@{self.project}.service"

    @property
    def socket(self) -> str:
        return f"freehold@{self.project}.socket"

    @property
    def keeper(self) -> str:
        return f"freehold-keeper@{self.project}.service"

    @property
    def edge_fragment(self) -> str:
        return f"{EDGE_FRAGMENTS}/{self.project}.json"

    @property
    def certificate(self) -> str:
        """The certificate that the edge serves for the project, and its key."""
        return f"{CERTIFICATES}/{self.project}.pem"

    @property
    def user(self) -> str:
        """Whose the gateway is, and the group that lets the keeper and it read each other's files."""
        return f"fh-{self._short}"

    @property
    def keeper_user(self) -> str:
        return f"fh-{self._short}-keeper"

    @property
    def group(self) -> str:
        return self.user

    def variables(self, home: str) -> Mapping[str, str]:
        """What the project's programs are told by their environment; `home` is that of the gateway, or the keeper's."""
        return {
            HOME_VARIABLE: home,
            STATE_PLACE: self.gateway_state,
            KEEPER_PLACE: self.keeper_state,
            PLACED_NAME: self.project,
            "HOME": home,
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def _short(self) -> str:
        if len(self.project) <= _LONGEST_SHORT:
            return self.project
        digest = hashlib.sha256(self.project.encode()).hexdigest()[:4]
        return f"{self.project[: _LONGEST_SHORT - 5].rstrip('-')}-{digest}"
