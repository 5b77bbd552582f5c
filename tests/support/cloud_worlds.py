"""Providers for tests: each in memory or before its strict server, with time that takes none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from freehold.base.clock import FakeClock
from freehold.base.secret import Secret
from freehold.providers.cloudflare import Cloudflare
from freehold.providers.dns import Dns
from freehold.providers.fake_dns import FakeDns
from freehold.providers.fake_provider import FakeProvider
from freehold.providers.firewall import rules_for
from freehold.providers.hetzner import Hetzner
from freehold.providers.machine import ServerSpec
from freehold.providers.ownership import Owner
from freehold.providers.patience import Patience
from freehold.providers.provider import Provider
from freehold.providers.vultr import Vultr
from tests.support.strict_api import StrictApi
from tests.support.strict_cloudflare import ZONE_ID, StrictCloudflare
from tests.support.strict_hetzner import StrictHetzner
from tests.support.strict_vultr import StrictVultr

PROD = Owner("abcd1234", "prod")
STAGING = Owner("abcd1234", "staging")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
USER_DATA = "#cloud-config\n{}\n"


@dataclass
class ProviderWorld:
    """`plan` is sold in `region` and not in `elsewhere`. `api` is None for the one in memory."""

    provider: Provider
    plan: str
    region: str
    elsewhere: str
    api: Any = None
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[str] = field(default_factory=list)

    def lets_in(self, firewall_id: str) -> set[tuple[str, str, str]]:
        """Protocol, port and network of what the provider itself keeps: no client has a say in that."""
        if isinstance(self.provider, FakeProvider):
            kept = self.provider.firewalls[firewall_id].rules
            return {(str(rule.protocol), str(rule.port or ""), one) for rule in kept for one in rule.sources}
        if isinstance(self.api, StrictHetzner):
            rules = self.api.firewalls[int(firewall_id)]["rules"]
            return {(rule["protocol"], rule["port"] or "", one) for rule in rules for one in rule["source_ips"]}
        rules = self.api.rules[firewall_id].values()
        return {(rule["protocol"], rule["port"], f"{rule['subnet']}/{rule['subnet_size']}") for rule in rules}

    async def spec(self, owner: Owner = PROD, *, plan: str = "", region: str = "", ipv4: bool = True) -> ServerSpec:
        """Of a server whose key and firewall are there."""
        catalogue = await self.provider.catalogue()
        image = catalogue.images_for(catalogue.plan(self.plan))[0].id
        key = await self.provider.add_key(KEY, owner)
        firewall = await self.provider.put_firewall(rules_for(ssh_port=22), owner)
        return ServerSpec(
            owner, plan or self.plan, region or self.region, image, (key.id,), firewall.id, USER_DATA, ipv4
        )


@dataclass
class DnsWorld:
    dns: Dns
    zone: str
    api: Any = None
    clock: FakeClock = field(default_factory=FakeClock)

    def add_record(self, kind: str, name: str, content: str) -> None:
        """One of somebody else's making."""
        if isinstance(self.dns, FakeDns):
            self.dns.add_record(kind, name, content)
        else:
            self.api.add_record(kind, name, content)


@contextmanager
def fake_world(_patience: Patience | None = None) -> Iterator[ProviderWorld]:
    yield ProviderWorld(FakeProvider(), "large", "north", "south")


@contextmanager
def hetzner_world(patience: Patience | None = None) -> Iterator[ProviderWorld]:
    with _serving(StrictHetzner()) as api:
        clock, told = FakeClock(), list[str]()
        hetzner = Hetzner(Secret(api.token), base_url=api.url, clock=clock, patience=patience, notify=told.append)
        yield ProviderWorld(hetzner, "cx23", "fsn1", "ash", api, clock, told)


@contextmanager
def vultr_world(patience: Patience | None = None) -> Iterator[ProviderWorld]:
    with _serving(StrictVultr()) as api:
        clock, told = FakeClock(), list[str]()
        vultr = Vultr(Secret(api.token), base_url=api.url, clock=clock, patience=patience, notify=told.append)
        yield ProviderWorld(vultr, "vc2-2c-4gb", "fra", "waw", api, clock, told)


@contextmanager
def fake_dns_world(_patience: Patience | None = None) -> Iterator[DnsWorld]:
    dns = FakeDns()
    yield DnsWorld(dns, dns.held[0].id)


@contextmanager
def cloudflare_world(patience: Patience | None = None) -> Iterator[DnsWorld]:
    with _serving(StrictCloudflare()) as api:
        clock = FakeClock()
        yield DnsWorld(
            Cloudflare(Secret(api.token), base_url=api.url, clock=clock, patience=patience), ZONE_ID, api, clock
        )


@contextmanager
def _serving(api: StrictApi) -> Iterator[Any]:
    """Whatever else a test looks at: what was asked and answered kept to the API's description."""
    try:
        yield api
    finally:
        api.close()
    assert api.violations == []


Worlds = Callable[[Patience | None], Any]
PROVIDER_WORLDS = {"fake": fake_world, "hetzner": hetzner_world, "vultr": vultr_world}
DNS_WORLDS = {"fake": fake_dns_world, "cloudflare": cloudflare_world}
