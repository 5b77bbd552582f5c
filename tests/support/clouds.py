"""Providers on this machine as whole commands meet them: their addresses in the environment, their tokens kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from tests.support.server_room import ServerRoom, Sight
from tests.support.strict_cloudflare import StrictCloudflare
from tests.support.strict_hetzner import StrictHetzner
from tests.support.strict_vultr import StrictVultr

HETZNER = ("--provider", "hetzner", "--plan", "cx23", "--region", "fsn1")
VULTR = ("--provider", "vultr", "--plan", "vc2-2c-4gb", "--region", "fra")


@dataclass
class NobodyHome:
    """Machines that run at once, at this one's own address, where nobody listens at their port of SSH."""

    cleared: set[str] = field(default_factory=set)

    def set_up(self, name: str, user_data: str, public_keys: tuple[str, ...]) -> None:
        """Nothing is there to set up."""

    def look(self, name: str) -> Sight:
        return Sight(name not in self.cleared, "127.0.0.1")

    def clear(self, name: str) -> None:
        self.cleared.add(name)

    def is_cleared(self, name: str) -> bool:
        return name in self.cleared


@dataclass
class Clouds:
    hetzner: StrictHetzner
    vultr: StrictVultr
    cloudflare: StrictCloudflare

    @property
    def environ(self) -> dict[str, str]:
        return {
            "FREEHOLD_HETZNER_URL": self.hetzner.url,
            "FREEHOLD_VULTR_URL": self.vultr.url,
            "FREEHOLD_CLOUDFLARE_URL": self.cloudflare.url,
        }

    def keep_tokens(self, home: Path) -> None:
        """As `freehold creds add` keeps them; with a model's key, which a push wants to be there."""
        keep_model_key(home)
        store = FileCredentialStore(home)
        for kind, name, token in (
            ("hetzner_api_key", "api_key", self.hetzner.token),
            ("vultr_api_key", "api_key", self.vultr.token),
            ("cloudflare_api_token", "api_token", self.cloudflare.token),
        ):
            store.put(CredentialRef(kind, "default"), {name: Secret(token)})

    @property
    def is_clear(self) -> bool:
        """What the providers themselves have: no client has a say in that."""
        at_hetzner = (self.hetzner.servers, self.hetzner.firewalls, self.hetzner.ssh_keys)
        at_vultr = (self.vultr.instances, self.vultr.groups, self.vultr.ssh_keys)
        records = any(self.cloudflare.records.values())
        rules = any(ruleset["rules"] for ruleset in self.cloudflare.rulesets.values())
        return not any((*at_hetzner, *at_vultr, records, rules, self.cloudflare.certificates))


def keep_model_key(home: Path) -> None:
    """One that no provider knows: nothing is run in these tests."""
    FileCredentialStore(home).put(CredentialRef("anthropic_key", "default"), {"token": Secret("sk-ant-of-tests")})


@contextmanager
def clouds(room: ServerRoom | None = None) -> Iterator[Clouds]:
    """Whatever else a test looks at: what was asked and answered kept to the APIs' descriptions."""
    with ExitStack() as closing:
        found = Clouds(
            StrictHetzner(room=room or NobodyHome()), StrictVultr(room=room or NobodyHome()), StrictCloudflare()
        )
        for api in (found.hetzner, found.vultr, found.cloudflare):
            closing.callback(api.close)
        yield found
    for api in (found.hetzner, found.vultr, found.cloudflare):
        assert api.violations == []
